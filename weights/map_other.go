//go:build !unix

package weights

import (
	"errors"
	"os"
)

// mapFile is not there: the file is read where a tensor is asked for.
func mapFile(*os.File, int64) ([]byte, func() error, error) {
	return nil, nil, errors.ErrUnsupported
}
