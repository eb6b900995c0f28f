package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/journal"
)

// removeFormer removes what a run that is to be overwritten wrote and the new one, whose images are planned, does not: files of other formats and of other images.
// Only what the journal of that run lists is touched, and of that no file that is read.
func (o *output) removeFormer(planned []journal.Entry) error {
	j, err := journal.Open(o.path(journalFile))
	if err != nil {
		return nil // there is none, or nobody knows what it says; that another run is writing is said when the new journal is made
	}
	defer j.Close()
	return o.removeWritten(j, planned)
}

// removeWritten does that for a run's journal.
func (o *output) removeWritten(j *journal.Journal, planned []journal.Entry) error {
	former, err := o.written(j)
	if err != nil {
		return nil // a damaged journal
	}
	keep := map[string]bool{}
	for _, f := range o.formats {
		for _, r := range f.files {
			keep[o.path(r.name)] = true
		}
		if f.name == yoloFormat {
			keep[o.path(f.folder+".yaml")] = true
		}
		for _, e := range planned {
			for _, place := range o.places(f, e.FileName) {
				keep[place] = true
			}
		}
	}
	reads := map[string]bool{}
	for _, e := range planned {
		reads[absolute(e.File())], reads[spot(e.File())] = true, true
	}
	o.former = map[string][]string{}
	for name, files := range former {
		for _, file := range files {
			switch {
			case reads[spot(file)]:
			case keep[file], keep[filepath.Dir(file)]:
				o.former[name] = append(o.former[name], file)
			default:
				if err := o.remove(file); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// written lists the files of a finished run by the name of the image; those of the whole run have the name "".
func (o *output) written(j *journal.Journal) (map[string][]string, error) {
	was := &output{folder: o.folder}
	was.nameStems(j.Plan())
	files := map[string][]string{}
	for _, f := range formats {
		if !j.Saved(f.name) {
			continue
		}
		was.formats = append(was.formats, f)
		for _, r := range f.files {
			files[""] = append(files[""], o.path(r.name))
		}
		if f.name == yoloFormat {
			files[""] = append(files[""], o.path(f.folder+".yaml"))
		}
	}
	err := j.Each(func(e journal.Entry, r journal.Record) error {
		if r.Picture != nil {
			files[e.FileName] = was.filesOf(e, r.Picture)
		}
		return nil
	})
	return files, err
}

// filesOf lists the files of an image. In the place of its link may be an image that is somebody's.
func (o *output) filesOf(e journal.Entry, p *export.Picture) (files []string) {
	for _, f := range o.formats {
		for _, place := range o.places(f, e.FileName) {
			if f.instance == nil {
				isImage := filepath.Dir(place) == filepath.Dir(o.link(e.FileName))
				ours := !isImage || isLink(place) || p.Selection != "" && place == o.part(e.FileName)
				if ours && spot(place) != spot(e.File()) { // it is no link to the image, but the image
					files = append(files, place)
				}
				continue
			}
			for i := range p.Instances {
				files = append(files, instanceFile(place, i))
			}
		}
	}
	return files
}

// spot is where a file is, which may be a link to another one.
func spot(path string) string {
	return filepath.Join(absolute(filepath.Dir(path)), filepath.Base(path))
}

// instanceFile is the place of an instance's file in the folder of an image.
func instanceFile(folder string, i int) string {
	return filepath.Join(folder, fmt.Sprintf("%03d.png", i+1))
}

// forget removes what an earlier run made of an image that this one has no result of.
func (o *output) forget(id int64, name string) error {
	files := o.former[name]
	if r, ok, err := o.journal.Find(id); err == nil && ok && r.Picture != nil {
		e, _ := o.journal.Entry(name)
		files = append(files, o.filesOf(e, r.Picture)...)
	}
	for _, file := range files {
		if err := o.remove(file); err != nil {
			return err
		}
	}
	return nil
}

// rename gives the files of finished images the names that those have with more images in the run: those of a.jpg are called otherwise when a.png joins it.
// It comes before the journal knows the others, so that a run that is stopped on the way is mended by the next one.
func (o *output) rename(j *journal.Journal, more []journal.Entry) error {
	was := stems(entryNames(j.Plan()))
	is := stems(append(entryNames(j.Plan()), entryNames(more)...))
	o.stems = was
	plan := slices.DeleteFunc(slices.Clone(j.Plan()), func(e journal.Entry) bool { return was[e.FileName] == is[e.FileName] })
	// Names grow longer, so that what has the longer one makes way for what gets it: a for a.png, where that is a.png.jpg's before.
	slices.SortStableFunc(plan, func(a, b journal.Entry) int { return len(was[b.FileName]) - len(was[a.FileName]) })
	for _, e := range plan {
		from, to := was[e.FileName], is[e.FileName]
		r, ok, err := j.Find(e.ID)
		if err != nil {
			return err
		}
		if !ok || r.Picture == nil {
			continue
		}
		for _, file := range o.filesOf(e, r.Picture) {
			if _, err := os.Lstat(file); err != nil {
				continue // a format that has no file of this image, or one that is renamed already
			}
			rel, err := filepath.Rel(o.folder, file)
			if err != nil {
				return err
			}
			place := o.path(strings.Replace(filepath.ToSlash(rel), "/"+from, "/"+to, 1))
			if _, err := os.Lstat(place); err == nil {
				continue // renamed already, and what has its old name is another image's
			}
			if err := os.MkdirAll(filepath.Dir(place), 0o777); err != nil {
				return err
			}
			if err := os.Rename(file, place); err != nil {
				return err
			}
			_ = os.Remove(filepath.Dir(file)) // if it was that of instances, and the last of them has gone
		}
	}
	return nil
}

// isLink says whether there is a symbolic link.
func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// remove removes a file that a run wrote, and the folders below the output folder that are empty then.
func (o *output) remove(file string) error {
	info, err := os.Lstat(file)
	if err != nil || info.IsDir() {
		return nil
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for folder := filepath.Dir(file); len(folder) > len(o.folder) && os.Remove(folder) == nil; folder = filepath.Dir(folder) {
	}
	return nil
}
