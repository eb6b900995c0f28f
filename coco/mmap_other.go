//go:build !unix

package coco

import (
	"errors"
	"os"
)

// mapFile is not available: the file is read.
func mapFile(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmap([]byte) {}
