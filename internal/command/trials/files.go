package trials

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spinemask/spinemask/internal/command/atomicfile"
)

const temporaryFolder = "temporary"

// temporary writes a file that has no name of its own yet.
func (f *Folder) temporary(data []byte) (string, error) {
	f.files++
	name := filepath.Join(f.path, workFolder, temporaryFolder, fmt.Sprintf("%s-%d", f.own.id, f.files))
	file, err := os.Create(name)
	if err != nil {
		return "", err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync() // else a crash could leave the name without the bytes
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(name)
	}
	return name, err
}

// exclusively makes a file; mine is false if there is one already.
func (f *Folder) exclusively(name string, data []byte) (mine bool, err error) {
	if _, err := os.Lstat(name); err == nil {
		return false, nil
	}
	temporary, err := f.temporary(data)
	if err != nil {
		return false, err
	}
	defer os.Remove(temporary)
	err = os.Link(temporary, name)
	if errors.Is(err, fs.ErrExist) {
		// On NFS a link that was made may be refused when the question is asked a second time.
		a, errA := os.Lstat(temporary)
		b, errB := os.Lstat(name)
		return errA == nil && errB == nil && os.SameFile(a, b), nil
	}
	if err != nil {
		return false, err
	}
	return true, atomicfile.SyncFolder(filepath.Dir(name))
}

// Replace writes a file of the folder as a whole.
func (f *Folder) Replace(name string, data []byte) error {
	path := filepath.Join(f.path, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	temporary, err := f.temporary(data)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		os.Remove(temporary)
		return err
	}
	return atomicfile.SyncFolder(filepath.Dir(path))
}
