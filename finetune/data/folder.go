package data

import "path/filepath"

// openFolder reads a folder of arrays.
func openFolder(dir string, o Options, p *problems) (*Set, error) {
	files, _ := filepath.Glob(filepath.Join(escapeGlob(dir), "*.npy"))
	if len(files) == 0 {
		return nil, p.fail("", "no arrays NAME.npy")
	}
	t, err := readArrayFolder(dir, &o, p)
	if err != nil {
		return nil, err
	}
	return t.assemble(dir, o, p)
}
