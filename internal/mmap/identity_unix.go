//go:build linux || darwin

package mmap

import (
	"os"
	"syscall"
)

func identityOf(info os.FileInfo) Identity {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Identity{}
	}
	return Identity{Device: uint64(s.Dev), Inode: uint64(s.Ino), Size: info.Size(), Modified: info.ModTime().UnixNano(), Changed: changed(s)}
}
