// Package atomicfile writes files that appear under their names when they are complete, or not at all.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// A File is written under a temporary name in the folder where it is to be.
type File struct {
	path string
	f    *os.File
	w    *bufio.Writer
	err  error // first error of a write
}

// Create begins a file, and its folder if there is none.
func Create(path string) (*File, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, explain(path, err)
	}
	// Not os.CreateTemp, whose files nobody else may read. The name is the process's own, and a run has one writer for each file.
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf(".%s.%d.tmp", filepath.Base(path), os.Getpid())), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, explain(path, err)
	}
	return &File{path: path, f: f, w: bufio.NewWriterSize(f, 1<<16)}, nil
}

// Write keeps its first error for Commit.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err != nil {
		err = explain(f.path, err)
		if f.err == nil {
			f.err = err
		}
	}
	return n, err
}

// Commit gives the file its name, after its bytes have reached the disk: otherwise a crash could leave the name without them. After an error there is no file.
func (f *File) Commit() error {
	err := f.err
	for _, step := range []func() error{f.w.Flush, f.f.Sync} {
		if err == nil {
			err = step()
		}
	}
	if closeErr := f.f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.f.Name(), f.path)
	}
	if err != nil {
		os.Remove(f.f.Name())
		return explain(f.path, err)
	}
	return nil
}

// SyncFolder forces the names in a folder to the disk, after the files themselves were committed. Systems that do not know this do nothing.
func SyncFolder(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was written
	}
	if err != nil {
		return explain(path, err)
	}
	f.Sync() // Windows and some network file systems refuse folders, and have no other way
	return f.Close()
}

// Discard removes what has been written.
func (f *File) Discard() {
	f.f.Close()
	os.Remove(f.f.Name())
}

// RemoveTemporary removes what killed runs have left of a file, or of the files in a folder of their own and its sub-folders.
func RemoveTemporary(path string) error {
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp"))
	if err != nil {
		return nil // a name with a bracket
	}
	err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, file)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	for _, file := range left {
		if temporaryName.MatchString(filepath.Base(file)) && err == nil {
			err = os.Remove(file)
		}
	}
	return err
}

var temporaryName = regexp.MustCompile(`^\..+\.[0-9]+\.tmp$`)

// explain names the file that was meant instead of the temporary one.
func explain(path string, err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	if le := (*os.LinkError)(nil); errors.As(err, &le) {
		err = le.Err
	}
	return &fs.PathError{Op: "write", Path: path, Err: err}
}
