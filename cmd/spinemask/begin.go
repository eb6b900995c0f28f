package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/atomicfile"
	"github.com/spinemask/spinemask/internal/command/journal"
)

// What --on-existing knows, about a run that the output folder holds already.
const (
	existingOverwrite = "overwrite" // begin again
	existingSkip      = "skip"      // keep what is finished, and do the rest
	existingError     = "error"
)

// A job is an image and its id.
type job struct {
	input
	id int64
}

// begin makes the output folder, or goes on with the run that it holds, before any work is done.
func (f *segmentFlags) begin(inputs []input, model *spinemask.Model) (*output, error) {
	list, err := findFormats(f.save)
	if err != nil {
		return nil, err
	}
	o := &output{folder: f.out, formats: list, synced: map[string]bool{}}
	h, err := f.header(model, list)
	if err != nil {
		return nil, err
	}
	j, err := f.openJournal(o, h)
	if err != nil {
		return nil, err
	}
	if j == nil {
		o.stems = stems(namesOf(inputs))
		if err := f.protect(o, inputs, model); err != nil {
			return nil, err
		}
		plan, err := f.plan(inputs, nil)
		if err != nil {
			return nil, err
		}
		if err := o.removeFormer(plan); err != nil {
			return nil, err
		}
		if j, err = journal.Create(o.path(journalFile), h, plan); err != nil {
			return nil, err
		}
	} else {
		knownAs(inputs, j)
		err := f.sameIDs(j)
		if err == nil {
			var plan []journal.Entry
			if plan, err = f.plan(inputs, j); err == nil {
				err = o.rename(j, plan)
			}
			if err == nil {
				err = j.Extend(plan)
			}
		}
		if err != nil {
			j.Close()
			return nil, err
		}
	}
	o.journal = j
	o.nameStems(j.Plan())
	err = f.protect(o, inputs, model)
	if err == nil {
		err = o.tidy()
	}
	if err != nil {
		j.Close()
		return nil, err
	}
	return o, nil
}

// openJournal opens the journal of the run that is to go on; nil is a new run.
func (f *segmentFlags) openJournal(o *output, h journal.Header) (*journal.Journal, error) {
	file := o.path(journalFile)
	if !exists(file) {
		return nil, nil
	}
	switch f.onExisting {
	case existingError:
		return nil, hinted{fmt.Errorf("%s holds a run already", f.out), "--resume goes on with it, --on-existing overwrite begins again"}
	case existingOverwrite:
		return nil, nil
	}
	j, err := journal.Open(file)
	if err != nil {
		return nil, err
	}
	was := j.Header()
	h.Save = slices.DeleteFunc(slices.Clone(h.Save), func(name string) bool { return !slices.Contains(was.Save, name) && j.Saved(name) }) // those that merge added are there, too
	if !slices.Contains(h.Save, geoJSONFormat) {
		was.Info.Objects, h.Info.Objects = "", "" // nothing of this run depends on them
	}
	if d := difference(was, h); d != "" {
		j.Close()
		return nil, hinted{fmt.Errorf("%s holds a run made otherwise: %s", f.out, d), f.otherwise()}
	}
	return j, nil
}

// knownAs gives inputs the names that the journal has for their files: deep/a.png may be named by its path now, as in failures.txt, and was found in a folder.
func knownAs(inputs []input, j *journal.Journal) {
	same := func(in input) bool {
		e, ok := j.Entry(in.name)
		return ok && e.File() == in.path
	}
	if !slices.ContainsFunc(inputs, func(in input) bool { return !same(in) && in.data == nil }) {
		return
	}
	names := map[string]string{} // by the real path, and what tells a picture from others of its file
	for _, e := range j.Plan() {
		label := ""
		if parts := pictureName.FindStringSubmatch(e.FileName); parts != nil {
			label = parts[2]
		}
		names[absolute(e.File())+pictureMark+label] = e.FileName
	}
	taken := map[string]bool{}
	for _, in := range inputs {
		taken[in.name] = true
	}
	for i, in := range inputs {
		if name, ok := names[absolute(in.path)+pictureMark+in.label]; ok && in.data == nil && !taken[name] {
			inputs[i].name = name
		}
	}
}

func namesOf(inputs []input) []string {
	names := make([]string, len(inputs))
	for i, in := range inputs {
		names[i] = in.name
	}
	return names
}

// plan gives ids to images that the journal does not know. Where a number is taken, one beyond all others is used.
func (f *segmentFlags) plan(inputs []input, known *journal.Journal) ([]journal.Entry, error) {
	names := namesOf(inputs)
	ids := export.IDs(names)
	if f.annotated != nil {
		for i, name := range names {
			ids[i] = f.annotated.ids[name]
		}
	}
	taken := map[int64]bool{}
	last := int64(0)
	take := func(id int64) {
		taken[id] = true
		last = max(last, id)
	}
	if known != nil {
		for _, e := range known.Plan() {
			take(e.ID)
		}
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	plan := []journal.Entry{}
	var late []int // in plan
	for i, in := range inputs {
		if known != nil {
			if _, ok := known.Entry(in.name); ok {
				continue
			}
		}
		if taken[ids[i]] {
			late = append(late, len(plan))
		} else {
			take(ids[i])
		}
		e := journal.Entry{ID: ids[i], FileName: in.name, Path: in.path}
		if in.data == nil && !filepath.IsAbs(in.path) {
			e.Folder = here
		}
		plan = append(plan, e)
	}
	for _, i := range late {
		take(last + 1)
		plan[i].ID = last
	}
	return plan, nil
}

// sameIDs sees to it that the images of the run that goes on have the ids of the data set, if there is one. Those whose files are not among the inputs any more
// are at least to be images of it.
func (f *segmentFlags) sameIDs(j *journal.Journal) error {
	if f.annotated == nil {
		return nil
	}
	known := map[int64]bool{}
	for _, im := range f.annotated.data.Images {
		known[im.ID] = true
	}
	for _, e := range j.Plan() {
		id, named := f.annotated.ids[e.FileName]
		file := f.annotated.data.File
		switch {
		case named && id != e.ID:
			return hinted{fmt.Errorf("%s holds a run in which %s is image %d; in %s it is %s", f.out, e.FileName, e.ID, file, f.annotated.data.ImageName(id)), f.otherwise()}
		case !named && !known[e.ID]:
			return hinted{fmt.Errorf("%s holds a run in which %s is image %d, which %s does not have", f.out, e.FileName, e.ID, file), f.otherwise()}
		}
	}
	return nil
}

// otherwise is the advice where a folder holds results that do not belong together with those of this run.
func (f *segmentFlags) otherwise() string {
	if f.evaluates {
		return "use the same options and data, or another folder with --keep"
	}
	return "use the same options and data, another folder, or --on-existing overwrite"
}

// todo lists the images without results, and those whose files have changed. Results whose files are not there any more are kept; gone are their names.
func todo(inputs []input, j *journal.Journal) (list []job, gone []string) {
	for _, in := range inputs {
		e, ok := j.Entry(in.name)
		was, done := j.Done(e.ID)
		switch {
		case !ok:
		case done && errors.Is(in.err, fs.ErrNotExist):
			gone = append(gone, in.name)
		case !done || !was.SameAs(in.source, in.hash):
			list = append(list, job{in, e.ID})
		}
	}
	return list, gone
}

// tidy removes what killed runs have left of files that this one writes, or may have written.
func (o *output) tidy() error {
	names := []string{journalFile, imagesFile, failuresFile}
	for _, f := range formats {
		if f.folder != "" {
			names = append(names, f.folder)
		}
		for _, r := range f.files {
			names = append(names, r.name)
		}
	}
	for _, name := range names {
		if err := atomicfile.RemoveTemporary(o.path(name)); err != nil {
			return err
		}
	}
	return nil
}

// protect sees to it that no file that is read is written.
func (f *segmentFlags) protect(o *output, inputs []input, model *spinemask.Model) error {
	reads := map[string]bool{}
	for _, in := range inputs {
		reads[absolute(in.path)] = true
	}
	for _, file := range model.Source().Files {
		reads[absolute(file)] = true
	}
	writes := []string{o.path(journalFile), o.path(imagesFile), o.path(failuresFile)}
	for _, f := range o.formats {
		for _, r := range f.files {
			writes = append(writes, o.path(r.name))
		}
		for _, in := range inputs {
			if f.folder != "" && f.instance == nil {
				writes = append(writes, o.place(f, in.name))
			}
			if f.name == yoloFormat && in.selection != "" {
				writes = append(writes, o.part(in.name))
			}
		}
	}
	if f.jsonl != "" && f.jsonl != "-" {
		for _, w := range writes {
			if absolute(w) == absolute(f.jsonl) {
				return hinted{fmt.Errorf("--jsonl %s: the run writes that file itself", f.jsonl), "give the lines another name"}
			}
		}
		writes = append(writes, f.jsonl)
	}
	for _, w := range writes {
		if reads[absolute(w)] {
			return hinted{fmt.Errorf("%s is an input, it would be overwritten", w), "choose another output folder with -o"}
		}
	}
	return nil
}
