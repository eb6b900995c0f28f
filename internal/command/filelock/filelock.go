// Package filelock locks files among processes. A lock lasts until the file is closed or the process ends, however it ends.
package filelock

import "errors"

// ErrHeld says that another process, or another opening of the file, has the lock.
var ErrHeld = errors.New("locked by another process")
