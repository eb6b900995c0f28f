package zoo

import (
	"errors"
	"fmt"
	"os"

	"github.com/spinemask/spinemask/internal/command/filelock"
)

// ErrBusy is in errors about a file that another process, or another call, is fetching.
var ErrBusy = errors.New("it is being fetched already")

// lockFile keeps all others from fetching the file at path until release is called, or the process ends, however it ends.
func lockFile(path string) (release func(), err error) {
	name := path + ".part.lock"
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		if errors.Is(filelock.Try(f), filelock.ErrHeld) { // some network file systems have no locks; that is no reason to refuse them
			return nil, errors.Join(fmt.Errorf("%s: %w", path, ErrBusy), f.Close())
		}
		// Whoever had the lock before may have removed the file after it was opened here.
		mine, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if now, err := os.Stat(name); err == nil && os.SameFile(mine, now) {
			return func() { os.Remove(name); f.Close() }, nil
		}
		f.Close()
	}
}
