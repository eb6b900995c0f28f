//go:build unix

package coco

import (
	"os"
	"syscall"
)

// mapFile maps the file into memory. The mapping stays until the process ends: nobody knows who still holds a part of it.
func mapFile(f *os.File, size int64) ([]byte, error) {
	if size == 0 {
		return nil, nil
	}
	return syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_PRIVATE)
}
