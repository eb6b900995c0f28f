package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/internal/command/evalcmd"
)

// annotated is a COCO data set whose ids the results of a run have. Where its ids are no integers, images get the numbers by
// which package coco counts them, and the ids are put in place of those in results.json alone.
type annotated struct {
	data       *coco.Dataset
	byPath     map[string]int64 // the images of files, where somebody has looked them up; nil: they are looked up by name
	categories map[int64]int64  // category ids by those of the model, whose other classes are dropped; nil: they are the model's

	ids map[string]int64 // of the images of the run, by their names there
}

// readAnnotated reads the data set in a file.
func readAnnotated(file string) (*annotated, error) {
	d, err := coco.OpenDataset(file, coco.Boxes)
	if err != nil {
		return nil, advised(err)
	}
	return &annotated{data: d}, nil
}

// advised adds the advice that an error of a COCO file carries.
func advised(err error) error {
	if hint := evalcmd.Hint(err); hint != "" {
		return hinted{err, hint}
	}
	return err
}

// fileNames are the names of the images' files; an image without one is known by its id.
func (a *annotated) fileNames() []string {
	names := make([]string, len(a.data.Images))
	for i, im := range a.data.Images {
		if names[i] = im.FileName; names[i] == "" {
			names[i] = a.plainID(im.ID)
		}
	}
	return names
}

// plainID is an image's id without quotes.
func (a *annotated) plainID(id int64) string {
	if names := a.data.ImageNames; names != nil {
		return names[id].Text
	}
	return strconv.FormatInt(id, 10)
}

// image names image i for people.
func (a *annotated) image(i int) string {
	im := &a.data.Images[i]
	if im.FileName == "" {
		return "image " + a.data.ImageName(im.ID)
	}
	return fmt.Sprintf("image %s (%s)", a.data.ImageName(im.ID), im.FileName)
}

// sameImage is the error about several images of a data set that cannot be told apart by the name of a file.
func (a *annotated) sameImage(name string, list []int) error {
	var text []string
	for _, i := range list {
		text = append(text, a.image(i))
	}
	return hinted{fmt.Errorf("%s: %s alike is the file of %s", a.data.File, name, strings.Join(text, " and of ")), "every image of a data set needs a file name of its own"}
}

// identify finds the ids of the images of a run, and leaves those out that the data set does not have.
func (a *annotated) identify(t *talk, inputs []input) ([]input, error) {
	type match struct{ image, level int }
	a.ids = map[string]int64{}
	matches := make([]match, len(inputs))
	best := map[int64]int{} // the index of the input that an id belongs to
	files := coco.NewFileNames(a.fileNames())
	for i, in := range inputs {
		matches[i].image = -1
		if id, ok := a.byPath[in.path]; ok {
			if i > 0 && inputs[i-1].path == in.path {
				return nil, hinted{fmt.Errorf("%s holds several pictures, of which the data set has one", in.path), "choose it with --page"}
			}
			a.ids[in.name] = id
			continue
		}
		found, level := files.Find(in.name)
		if len(found) > 1 { // a file that is named by its path, of a run over its folder
			if one, at := files.Find(filepath.ToSlash(in.path)); len(one) == 1 {
				found, level = one, at
			}
		}
		if a.byPath != nil || len(found) == 0 {
			continue
		}
		id := a.data.Images[found[0]].ID
		for _, other := range found[1:] {
			if a.data.Images[other].ID != id {
				return nil, a.sameImage(in.name, found)
			}
		}
		matches[i] = match{found[0], level}
		j, taken := best[id]
		switch {
		case taken && matches[j].level == level:
			return nil, fmt.Errorf("%s: %s and %s would both be %s", a.data.File, inputs[j].name, in.name, a.image(found[0]))
		case !taken || level < matches[j].level:
			best[id] = i
		}
	}
	var kept []input
	var left []string
	for i, in := range inputs {
		if m := matches[i]; m.image >= 0 && best[a.data.Images[m.image].ID] == i {
			a.ids[in.name] = a.data.Images[m.image].ID
		}
		if _, ok := a.ids[in.name]; ok {
			kept = append(kept, in)
		} else {
			left = append(left, in.name)
		}
	}
	if len(kept) == 0 {
		return nil, hinted{fmt.Errorf("%s: none of the images: %s", a.data.File, some(left, 5)),
			"names are compared with file_name as a whole, then without folders, in any case and Unicode form, and without endings; it has " + some(a.fileNames(), 5)}
	}
	if len(left) > 0 {
		t.say("left out %d images that %s does not have: %s", len(left), a.data.File, some(left, 5))
	}
	return kept, nil
}

// relabel puts the ids of the data set into a results file, where they are not there already.
func (a *annotated) relabel(t *talk, path string) error {
	d := a.data
	if d.ImageNames == nil && a.categories == nil {
		return nil
	}
	r, err := coco.OpenResults(path, coco.AllFields)
	if err != nil {
		return err
	}
	if r.ImageNames != nil || r.CategoryNames != nil {
		return errors.New(path + ": ids that this run did not write")
	}
	if d.ImageNames != nil {
		t.say("hint: only %s has the ids of %s, which are no integers; other files number its images", path, d.File)
	}
	return writeFile(path, func(w io.Writer) error {
		out := coco.NewResultsWriter(w)
		for i := range r.Len() {
			e := r.Entry(i)
			if d.ImageNames != nil {
				e.ImageName = &d.ImageNames[e.ImageID]
			}
			if a.categories != nil {
				id, ok := a.categories[e.CategoryID]
				if !ok {
					continue
				}
				if e.CategoryID = id; d.CategoryNames != nil {
					e.Category = &d.CategoryNames[id]
				}
			}
			if err := out.Write(&e); err != nil {
				return err
			}
		}
		return out.Close()
	})
}
