package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/internal/command/journal"
	"github.com/spinemask/spinemask/internal/core/imageio"
)

// An input is a file to look at, or later one of the pictures in it.
type input struct {
	path   string
	name   string         // in results: relative to the folder that was asked for, with slashes; unique in a run
	source journal.Source // what is known of the file without reading it
	data   []byte         // what came by standard input; nil: the path is read
	err    error          // what is known to be wrong with it already

	// What pictures adds.
	content   *content
	decode    func() (*imageio.Image, error)
	format    string // of the file: "png", "tiff" ...
	selection string // what was chosen of the file, if there was a choice
	label     string // what tells the picture from others of its file
}

// open gives the content of the file.
func (in *input) open() (io.ReadCloser, error) {
	if in.data != nil {
		return io.NopCloser(bytes.NewReader(in.data)), nil
	}
	if st, err := os.Stat(in.path); err != nil || !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", in.path) // a pipe would wait for ever
	}
	return os.Open(in.path)
}

// sum gives the SHA-256 of the content that the file has now. What cannot be read has none; it fails when it is decoded.
func (in *input) sum() string {
	content, err := in.open()
	if err != nil {
		return ""
	}
	defer content.Close()
	sum, _ := journal.Hash(content)
	return sum
}

// found is what the arguments stand for.
type found struct {
	images    []input
	left      []leftOut // pictures in folders that are not looked at
	unmatched []error   // patterns that nothing matches
}

// expand lists the images that the arguments stand for: files, folders (with their sub-folders if recursive), patterns, lists, and standard input. What lies in
// the folder without is not looked at, so that a second run does not take the pictures of the first one.
func expand(args []string, stdin io.Reader, recursive bool, without string) (*found, error) {
	named, err := named(args, stdin)
	if err != nil {
		return nil, err
	}
	var all found
	var problems []error
	usable := false
	for _, arg := range named {
		if arg.data != nil {
			all.images, usable = append(all.images, arg), true
			continue
		}
		paths := []string{arg.path}
		if !exists(arg.path) && strings.ContainsAny(arg.path, "*?[") {
			if paths, err = glob(arg.path); err != nil {
				return nil, err
			}
			if len(paths) == 0 {
				all.unmatched = append(all.unmatched, noMatch(arg.path))
			}
		}
		for _, p := range paths {
			images, left, err := expandPath(p, recursive, without)
			if err != nil {
				problems = append(problems, err)
				images = []input{{path: p, name: filepath.ToSlash(filepath.Base(p)), err: err}}
			}
			usable = usable || err == nil && len(images) > 0
			all.images, all.left = append(all.images, images...), append(all.left, left...)
		}
	}
	problems = append(problems, all.unmatched...)
	all.images, all.left = distinct(all.images), distinctLeftOut(all.left)
	switch {
	case usable:
		return &all, nil
	case len(problems) > 0:
		return nil, problems[0]
	case without != "" && without != "-" && slices.ContainsFunc(args, func(arg string) bool { return absolute(arg) == absolute(without) }):
		return nil, hinted{fmt.Errorf("%s is the output folder, whose pictures are not read", without), "name another one with -o"}
	}
	return nil, noImages(args, recursive, all.left)
}

func expandPath(p string, recursive bool, without string) ([]input, []leftOut, error) {
	st, err := os.Stat(p)
	switch {
	case err != nil:
		return nil, nil, reason(p, err)
	case st.IsDir():
		return walkFolder(p, recursive, without)
	}
	source, err := journal.StatSource(p)
	if err != nil {
		return nil, nil, reason(p, err)
	}
	return []input{{path: p, name: filepath.Base(p), source: source}}, nil, nil
}

func noMatch(pattern string) error {
	err := fmt.Errorf("no file matches %q", pattern)
	if strings.Contains(pattern, "**") {
		return hinted{err, "** is the same as *; name the folder and add -r to look in sub-folders"}
	}
	return err
}

// reason is an error of the file system in a form for people: the path, and why.
func reason(p string, err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%s: %w", p, err)
}

func noImages(args []string, recursive bool, left []leftOut) error {
	err := fmt.Errorf("no images in %q", strings.Join(args, " "))
	if !recursive && slices.ContainsFunc(args, hasFolder) {
		return hinted{err, "add -r to look in sub-folders"}
	}
	if len(left) > 0 {
		return hinted{err, "pictures of other kinds are there: " + kinds(left)}
	}
	return hinted{err, "images of a folder are known by their names: .png, .jpg, .gif, .bmp, .tif, .webp, and those of slide scanners and microscopes for tiff"}
}

// hasFolder says whether there is a folder in a folder.
func hasFolder(folder string) bool {
	entries, _ := os.ReadDir(folder)
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		st, err := os.Stat(filepath.Join(folder, e.Name()))
		return err == nil && st.IsDir() && !strings.HasPrefix(e.Name(), ".")
	})
}

// distinct drops files that were named twice, and tells files of the same name apart by the folders that they lie in.
func distinct(list []input) []input {
	seen := map[string]bool{}
	list = slices.DeleteFunc(list, func(in input) bool {
		key := absolute(in.path)
		twice := seen[key]
		seen[key] = true
		return twice
	})
	for {
		count := map[string]int{}
		for _, in := range list {
			count[in.name]++
		}
		if len(count) == len(list) {
			return list
		}
		for i, in := range list {
			if count[in.name] > 1 {
				list[i].name = tail(absolute(in.path), strings.Count(in.name, "/")+2)
			}
		}
	}
}

// tail gives the last n elements of a path, with slashes.
func tail(p string, n int) string {
	parts := strings.Split(strings.TrimPrefix(filepath.ToSlash(p), "/"), "/")
	return path.Join(parts[max(len(parts)-n, 0):]...)
}

// absolute is the one name of a file, through all links.
func absolute(p string) string {
	if real, err := filepath.EvalSymlinks(p); err == nil {
		p = real
	}
	if abs, err := filepath.Abs(p); err == nil {
		p = abs
	}
	return p
}

// notOver refuses an output that is one of the files that are read.
func notOver(out string, read ...string) error {
	if _, err := os.Stat(out); err != nil {
		return nil
	}
	for _, name := range read {
		if sameFile(out, name) {
			return hinted{fmt.Errorf("%s is the input, it would be overwritten", out), "choose another output with -o"}
		}
	}
	return nil
}

// sameFile is also true for two names of one file.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}
