//go:build unix

package coco

import (
	"os"
	"syscall"
)

// mapFile maps the file into memory.
func mapFile(f *os.File, size int64) ([]byte, error) {
	if size == 0 {
		return nil, nil
	}
	return syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_PRIVATE)
}

// unmap ends a mapping.
func unmap(b []byte) {
	if len(b) > 0 {
		_ = syscall.Munmap(b)
	}
}
