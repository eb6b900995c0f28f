package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/internal/command/journal"
)

// A walk lists the images of a folder, and of those below it if it is recursive. Links to folders are followed, each real folder once, so that a link to a
// folder above ends nothing and repeats nothing; a folder that lies below the first one itself is met by its own name, not by that of a link.
type walk struct {
	recursive bool
	without   string // a real folder that is not looked into; "": none

	seen  map[string]bool // real folders
	links []place         // to folders, which are looked into after all others
	list  []input
	left  []leftOut
}

// A place is a folder: its path, and its name below the folder that was asked for.
type place struct{ path, name string }

// walkFolder lists a folder in the order of names. That a folder below it cannot be looked into is an error of an input.
func walkFolder(path string, recursive bool, without string) ([]input, []leftOut, error) {
	w := walk{recursive: recursive, seen: map[string]bool{}}
	if without != "" {
		w.without = absolute(without)
	}
	if err := w.folder(place{path: path}); err != nil {
		return nil, nil, err
	}
	for len(w.links) > 0 {
		next := w.links[0]
		w.links = w.links[1:]
		w.below(next)
	}
	slices.SortStableFunc(w.list, func(a, b input) int { return strings.Compare(byElements(a.name), byElements(b.name)) })
	return w.list, w.left, nil
}

// byElements sorts what lies in a folder right behind it: a/b.png before a.png.
func byElements(name string) string { return strings.ReplaceAll(name, "/", "\x00") }

func (w *walk) below(p place) {
	if err := w.folder(p); err != nil {
		w.list = append(w.list, input{path: p.path, name: p.name, err: err})
	}
}

func (w *walk) folder(p place) error {
	real := absolute(p.path)
	if w.seen[real] || real == w.without {
		return nil
	}
	w.seen[real] = true
	entries, err := os.ReadDir(p.path)
	if err != nil {
		return reason(p.path, err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") { // also "._photo.jpg", which macOS leaves on other systems' disks
			continue
		}
		w.entry(e, place{filepath.Join(p.path, e.Name()), strings.TrimPrefix(p.name+"/"+e.Name(), "/")})
	}
	return nil
}

func (w *walk) entry(e fs.DirEntry, p place) {
	st, err := os.Stat(p.path)
	switch {
	case err == nil && st.IsDir():
		ext := strings.ToLower(filepath.Ext(p.path))
		switch {
		case folderNames[ext]:
			w.left = append(w.left, leftOut{p.path, ext})
		case !w.recursive:
		case e.IsDir():
			w.below(p)
		default:
			w.links = append(w.links, p)
		}
		return
	case err != nil && !imageNames[strings.ToLower(filepath.Ext(p.path))]:
		return
	}
	taken, other := kindOf(p.path)
	switch {
	case taken:
		source, _ := journal.StatSource(p.path) // what cannot be looked at fails when it is read
		w.list = append(w.list, input{path: p.path, name: p.name, source: source})
	case other != "":
		w.left = append(w.left, leftOut{p.path, other})
	}
}
