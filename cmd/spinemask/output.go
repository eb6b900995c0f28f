package main

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/atomicfile"
	"github.com/spinemask/spinemask/internal/command/journal"
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

	former map[string][]string // files that the run before this one in the folder made of an image, and that this one is to replace

	mu     sync.Mutex
	synced map[string]bool // folders whose own names are on the disk
}

// path is a place in the folder.
func (o *output) path(name string) string { return filepath.Join(o.folder, filepath.FromSlash(name)) }

// place is where a format's file or folder of an image is.
func (o *output) place(f format, name string) string {
	return o.path(f.folder + "/" + o.stems[name] + f.ext)
}

// nameStems decides how the files of images are called.
func (o *output) nameStems(plan []journal.Entry) {
	o.stems = stems(entryNames(plan))
}

func entryNames(plan []journal.Entry) []string {
	names := make([]string, len(plan))
	for i, e := range plan {
		names[i] = e.FileName
	}
	return names
}

// places are the files or folders of an image that a format may have made.
func (o *output) places(f format, name string) []string {
	switch {
	case f.folder == "":
		return nil
	case f.largeExt != "":
		return []string{o.place(f, name), o.path(f.folder + "/" + o.stems[name] + f.largeExt)}
	case f.name == yoloFormat:
		return []string{o.place(f, name), o.link(name), o.part(name)}
	}
	return []string{o.place(f, name)}
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
	if err := atomicfile.SyncFolder(folder); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for ; !o.synced[folder] && len(folder) > len(o.folder); folder = filepath.Dir(folder) {
		o.synced[folder] = true
		if err := atomicfile.SyncFolder(filepath.Dir(folder)); err != nil {
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
	if f.largeExt != "" {
		other := o.places(f, p.FileName)[1]
		if isLarge(p) {
			place, other = other, place
		}
		if err := os.Remove(other); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	h := o.journal.Header()
	s := site{source: source, categories: h.Categories, objects: cmp.Or(h.Info.Objects, export.Detection)}
	if from, err := filepath.Abs(filepath.Dir(place)); err == nil {
		if to, err := filepath.Abs(source); err == nil {
			if rel, err := filepath.Rel(from, to); err == nil {
				s.source = filepath.ToSlash(rel)
			}
		}
	}
	if f.name == yoloFormat {
		if err := o.showImage(p, source); err != nil {
			return err
		}
	}
	return writeFile(place, func(w io.Writer) error { return f.image(w, p, s) })
}

// imagesFolder is where ultralytics looks for the images of labels.
const imagesFolder = "images"

// link is the place of an image beside the labels: ultralytics finds the label of images/a/b.png at labels/a/b.txt.
func (o *output) link(name string) string {
	return o.path(imagesFolder + "/" + o.stems[name] + path.Ext(name))
}

// part is the place of an image that is a part of a file, such as one page.
func (o *output) part(name string) string { return o.path(imagesFolder + "/" + o.stems[name] + ".png") }

// showImage puts an image beside the labels: a link to its file or, as ultralytics takes pages for channels, the picture that was chosen of its file.
func (o *output) showImage(p *export.Picture, source string) error {
	if p.Selection == "" {
		return o.linkImage(p.FileName, source)
	}
	if p.Photo == nil {
		return nil
	}
	return writeFile(o.part(p.FileName), func(w io.Writer) error { return export.Photo(w, p) })
}

// linkImage makes the link to an image, or a copy where links cannot be made. What is there and is no link is left alone: it is the image itself, or somebody's.
// An image that came by standard input has none.
func (o *output) linkImage(name, source string) error {
	target, err := filepath.Abs(source)
	if info, statErr := os.Stat(source); err != nil || statErr != nil || !info.Mode().IsRegular() || path.Base(name) != filepath.Base(source) {
		return nil
	}
	link := o.link(name)
	if there, err := os.Lstat(link); err == nil {
		if there.Mode()&fs.ModeSymlink == 0 || sameFile(link, source) {
			return nil
		}
		if err := os.Remove(link); err != nil {
			return err
		}
	}
	folder, err := filepath.Abs(filepath.Dir(link))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	if rel, err := filepath.Rel(folder, target); err == nil {
		target = rel
	}
	if os.Symlink(target, link) == nil {
		return nil
	}
	return writeFile(link, func(w io.Writer) error {
		f, err := os.Open(source)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
}

// writeInstances writes 001.png, 002.png, … into a folder, and removes what an earlier run had more.
func writeInstances(f format, p *export.Picture, folder string) error {
	for i := range p.Instances {
		if err := writeFile(instanceFile(folder, i), func(w io.Writer) error { return f.instance(w, p, i) }); err != nil {
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
	f, err := atomicfile.Create(path)
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
	return p.MakeThumbnail()
}

// linesOf writes the lines of the images that are finished and are not done again, so that a file of lines has all images of a run that goes on.
func (o *output) linesOf(lines *export.JSONL, jobs []job) error {
	again := map[int64]bool{}
	for _, j := range jobs {
		again[j.id] = true
	}
	return o.journal.Each(func(e journal.Entry, r journal.Record) error {
		if r.Picture == nil || again[e.ID] {
			return nil
		}
		return lines.Add(r.Picture)
	})
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
			failed.WriteString(e.File() + "\n")
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
		if f.name == yoloFormat {
			data := func(w io.Writer) error { return export.YOLOData(w, imagesFolder, h.Categories) }
			if err := writeFile(o.path(f.folder+".yaml"), data); err != nil {
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
	return run, instances, atomicfile.SyncFolder(o.folder)
}

// begin opens the files of the run.
func (o *output) begin(h *journal.Header) (files []*atomicfile.File, writers []export.Writer, err error) {
	for _, f := range o.formats {
		for _, r := range f.files {
			file, err := atomicfile.Create(o.path(r.name))
			if err != nil {
				return files, nil, err
			}
			files = append(files, file)
			writers = append(writers, r.writer(file, h))
		}
	}
	return files, writers, nil
}

// wrote lists what is in the folder, for people.
func (o *output) wrote(images int) []string {
	var list []string
	for _, f := range o.formats {
		for _, r := range f.files {
			list = append(list, o.path(r.name))
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
