package main

import (
	"bytes"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/journal"
	"github.com/spinemask/spinemask/internal/core/overlay"
)

// Files of every output folder.
const (
	journalFile  = "journal.jsonl"
	imagesFile   = "images.json"
	failuresFile = "failures.txt"
)

// output is the folder that a run writes to.
type output struct {
	folder  string
	formats []format
	journal *journal.Journal
	stems   map[string]string

	mu     sync.Mutex
	synced map[string]bool // folders whose own names are on the disk
}

// path is a place in the folder.
func (o *output) path(name string) string { return filepath.Join(o.folder, filepath.FromSlash(name)) }

// place is where a format's file or folder of an image is.
func (o *output) place(f format, name string) string {
	return o.path(f.folder + "/" + o.stems[name] + f.ext)
}

// imageFiles names those of some formats that have files for each image. Those are made while an image is at hand; files of the run are made from the journal.
func imageFiles(names []string) []string {
	list := []string{}
	for _, f := range formats {
		if slices.Contains(names, f.name) && (f.folder != "" || f.name == reportFormat) {
			list = append(list, f.name)
		}
	}
	return list
}

// files writes the files of an image, before its line in the journal. Several images may be written at once.
func (o *output) files(p *export.Picture, source string) error {
	for _, f := range o.formats {
		if f.name == reportFormat {
			if err := o.addThumbnail(p); err != nil {
				return err
			}
		}
		if f.folder == "" {
			continue
		}
		if err := o.write(f, p, source); err != nil {
			return err
		}
		leaf := o.place(f, p.FileName)
		if f.instance == nil {
			leaf = filepath.Dir(leaf)
		}
		if err := o.sync(leaf); err != nil {
			return err
		}
	}
	return nil
}

// sync forces the names of files in a folder to the disk, and once that of the folder and of those that hold it.
func (o *output) sync(folder string) error {
	if err := export.SyncFolder(folder); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for ; !o.synced[folder] && len(folder) > len(o.folder); folder = filepath.Dir(folder) {
		o.synced[folder] = true
		if err := export.SyncFolder(filepath.Dir(folder)); err != nil {
			return err
		}
	}
	return nil
}

func (o *output) write(f format, p *export.Picture, source string) error {
	place := o.place(f, p.FileName)
	if f.instance != nil {
		return writeInstances(f, p, place)
	}
	s := site{source: source, categories: o.journal.Header().Categories}
	if from, err := filepath.Abs(filepath.Dir(place)); err == nil {
		if to, err := filepath.Abs(source); err == nil {
			if rel, err := filepath.Rel(from, to); err == nil {
				s.source = filepath.ToSlash(rel)
			}
		}
	}
	return writeFile(place, func(w io.Writer) error { return f.image(w, p, s) })
}

// writeInstances writes 001.png, 002.png, … into a folder, and removes what an earlier run had more.
func writeInstances(f format, p *export.Picture, folder string) error {
	for i := range p.Instances {
		name := filepath.Join(folder, fmt.Sprintf("%03d.png", i+1))
		if err := writeFile(name, func(w io.Writer) error { return f.instance(w, p, i) }); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was found
	}
	for _, e := range entries {
		n, isNumber := strings.CutSuffix(e.Name(), ".png")
		if k, convErr := strconv.Atoi(n); isNumber && convErr == nil && k > len(p.Instances) && err == nil {
			err = os.Remove(filepath.Join(folder, e.Name()))
		}
	}
	return err
}

// writeFile makes a file that is there when it is complete.
func writeFile(path string, content func(w io.Writer) error) error {
	f, err := export.Create(path)
	if err != nil {
		return err
	}
	if err := content(f); err != nil {
		f.Discard()
		return err
	}
	return f.Commit()
}

// addThumbnail makes the picture of an image in the report.
func (o *output) addThumbnail(p *export.Picture) error {
	if !o.journal.Among(p.ID, export.ReportPictures) {
		return nil
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, overlay.Thumbnail(p.Photo, export.ReportSide), &jpeg.Options{Quality: 80}); err != nil {
		return err
	}
	p.Thumbnail = b.Bytes()
	return nil
}

// finish makes the files of the run from the journal. They depend on nothing else, so a run that was stopped and resumed ends with the same bytes.
func (o *output) finish() (run *export.Run, instances int, err error) {
	h := o.journal.Header()
	run = &export.Run{Info: h.Info, Images: []export.Image{}, Failures: []export.Failure{}, Categories: h.Categories}
	_, _, open := o.journal.Counts()
	run.Info.Stopped = open > 0
	h.Info = run.Info

	files, writers, err := o.begin(&h)
	defer func() {
		for _, f := range files {
			f.Discard() // those that have not been committed
		}
	}()
	if err != nil {
		return nil, 0, err
	}
	var failed strings.Builder
	err = o.journal.Each(func(e journal.Entry, r journal.Record) error {
		if r.Picture == nil {
			failure := export.Failure{FileName: e.FileName, Error: r.Error}
			run.Failures = append(run.Failures, failure)
			failed.WriteString(e.Path + "\n")
			for _, w := range writers {
				if w, ok := w.(export.FailureWriter); ok {
					if err := w.Fail(e.ID, failure); err != nil {
						return err
					}
				}
			}
			return nil
		}
		run.Images = append(run.Images, r.Picture.Image)
		instances += len(r.Picture.Instances)
		for _, w := range writers {
			if err := w.Add(r.Picture); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	for _, w := range writers {
		if err := w.Close(); err != nil {
			return nil, 0, err
		}
	}
	for len(files) > 0 {
		f := files[0]
		files = files[1:]
		if err := f.Commit(); err != nil {
			return nil, 0, err
		}
	}
	for _, f := range o.formats {
		if f.name == "yolo" {
			names := func(w io.Writer) error { return export.YOLONames(w, h.Categories) }
			if err := writeFile(o.path(f.folder+".yaml"), names); err != nil {
				return nil, 0, err
			}
		}
	}
	if failed.Len() == 0 {
		if err := os.Remove(o.path(failuresFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, 0, err
		}
	} else if err := writeFile(o.path(failuresFile), func(w io.Writer) error { _, err := io.WriteString(w, failed.String()); return err }); err != nil {
		return nil, 0, err
	}
	if err := writeFile(o.path(imagesFile), run.Write); err != nil {
		return nil, 0, err
	}
	return run, instances, export.SyncFolder(o.folder)
}

// begin opens the files of the run.
func (o *output) begin(h *journal.Header) (files []*export.File, writers []export.Writer, err error) {
	for _, f := range o.formats {
		if f.file == "" {
			continue
		}
		file, err := export.Create(o.path(f.file))
		if err != nil {
			return files, nil, err
		}
		files = append(files, file)
		writers = append(writers, f.writer(file, h))
	}
	return files, writers, nil
}

// wrote lists what is in the folder, for people.
func (o *output) wrote(images int) []string {
	var list []string
	for _, f := range o.formats {
		if f.file != "" {
			list = append(list, o.path(f.file))
		}
	}
	list = append(list, o.path(imagesFile))
	for _, f := range o.formats {
		if f.folder != "" && images > 0 {
			list = append(list, o.path(f.folder)+string(os.PathSeparator))
		}
	}
	return list
}
