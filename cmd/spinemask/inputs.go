package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// An input is a file to look at.
type input struct {
	path string
	name string // in results: relative to the folder that was asked for, with slashes; unique in a run
	size int64  // of the file, bytes
	data []byte // what came by standard input; nil: the path is read
	err  error  // what is known to be wrong with it already
}

// Files of a folder that are taken for images. Those with the second kind of name cannot be read, but it would be wrong to pass over them in silence.
var imageNames = strings.Fields(`.png .apng .jpg .jpeg .jpe .jfif .gif .bmp .dib .tif .tiff .webp
	.heic .heif .avif .jxl .jp2 .j2k`)

// expand lists the images that the arguments stand for: files, folders (with their sub-folders if recursive), patterns, lists, and standard input. What lies in
// the folder without is left out, so that a second run does not take the pictures of the first one.
func expand(args []string, stdin io.Reader, recursive bool, without string) ([]input, error) {
	named, err := named(args, stdin)
	if err != nil {
		return nil, err
	}
	var list []input
	var problems []error
	usable := false
	for _, arg := range named {
		if arg.data != nil {
			list, usable = append(list, arg), true
			continue
		}
		paths := []string{arg.path}
		if _, err := os.Stat(arg.path); err != nil && strings.ContainsAny(arg.path, "*?[") {
			paths, err = filepath.Glob(arg.path)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", arg.path, err)
			}
			if len(paths) == 0 {
				problems = append(problems, fmt.Errorf("no file matches %q", arg.path))
			}
		}
		for _, p := range paths {
			found, err := expandPath(p, recursive, without)
			if err != nil {
				problems = append(problems, err)
				found = []input{{path: p, name: filepath.ToSlash(filepath.Base(p)), err: err}}
			}
			usable = usable || err == nil && len(found) > 0
			list = append(list, found...)
		}
	}
	switch {
	case !usable && len(problems) > 0:
		return nil, problems[0]
	case !usable:
		return nil, noImages(args, recursive)
	}
	return distinct(list), nil
}

func expandPath(p string, recursive bool, without string) (list []input, err error) {
	st, err := os.Stat(p)
	if err != nil {
		return nil, reason(p, err)
	}
	if !st.IsDir() {
		return []input{{path: p, name: filepath.Base(p), size: st.Size()}}, nil
	}
	without = absolute(without)
	err = filepath.WalkDir(p, func(file string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(p, file)
		if relErr != nil {
			return relErr
		}
		if err != nil && file == p {
			return reason(file, err)
		}
		if err != nil { // one that cannot be looked into does not end the run
			list = append(list, input{path: file, name: filepath.ToSlash(rel), err: reason(file, err)})
			return fs.SkipDir
		}
		hidden := strings.HasPrefix(d.Name(), ".") && file != p // also "._photo.jpg", which macOS leaves on other systems' disks
		if d.IsDir() {
			if file != p && (!recursive || hidden) || absolute(file) == without {
				return fs.SkipDir
			}
			return nil
		}
		if hidden || !slices.Contains(imageNames, strings.ToLower(filepath.Ext(file))) {
			return nil
		}
		in := input{path: file, name: filepath.ToSlash(rel)}
		if st, err := os.Stat(file); err == nil {
			in.size = st.Size()
		}
		list = append(list, in)
		return nil
	})
	return list, err
}

// reason is an error of the file system in a form for people: the path, and why.
func reason(p string, err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%s: %w", p, err)
}

func noImages(args []string, recursive bool) error {
	err := fmt.Errorf("no images in %q", strings.Join(args, " "))
	if !recursive {
		for _, arg := range args {
			entries, _ := os.ReadDir(arg)
			if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.IsDir() }) {
				return hinted{err, "add -r to look in sub-folders"}
			}
		}
	}
	return hinted{err, "images of a folder are known by their names: .png, .jpg, .gif, .bmp, .tif, .webp"}
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
