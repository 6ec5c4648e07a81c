package runtime

import "github.com/onnxrun/onnxrun/internal/cache"

// CacheInfo says what the folder Options.Cache was good for in a session.
//
// The folder holds one file for each model, build of the program and set of processor features, and small notes on files
// whose content is known. A model whose weights have changed, by a byte, finds no packed forms of the old ones. Whoever
// can write to the folder can change results: it has to be as safe as the models. Models that a program has built,
// instead of decoding them, are not cached.
type CacheInfo struct {
	File   string // what was mapped or written; "": nothing
	Loaded int    // packed forms of weights that were mapped
	Packed int    // packed forms that were made, and are written
	Bytes  int64  // size of the file
	Err    error  // why it was not used or not written: a folder that is read-only or full, a damaged file; nil if all went well
}

// Cache returns what the session's cache was good for until now. It waits until the file is written.
func (s *Session) Cache() CacheInfo {
	s.saving.Wait()
	if s.cache == nil {
		return CacheInfo{}
	}
	return CacheInfo(s.cache.Info())
}

// openCache opens the cache that the options ask for.
func (s *Session) openCache() {
	if s.opts.Cache != "" && len(s.file.Encoded()) > 0 {
		s.cache = cache.Open(cache.Options{Dir: s.opts.Cache, Limit: s.opts.CacheLimit, Model: s.file.Encoded(), Threads: s.threads})
	}
}

// saveCache lets the cache write what it lacks, in the background.
func (s *Session) saveCache() {
	if s.cache != nil {
		s.saving.Go(s.cache.Save)
	}
}

// closeCache unmaps the cache when it is written.
func (s *Session) closeCache() error {
	s.saving.Wait()
	if s.cache == nil {
		return nil
	}
	return s.cache.Close()
}
