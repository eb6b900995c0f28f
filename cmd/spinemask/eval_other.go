package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spinemask/spinemask/dataset"
)

// otherSet is a data set of another kind than COCO's, with a file of COCO's that says the
// same for the evaluator.
type otherSet struct {
	set    *dataset.Set
	folder string // of the file, to be removed
	file   string
}

// readOther reads a data set that is no file of COCO's; of one that is, or may be, it gives
// nil.
func readOther(t *talk, path, images string, results []string) (*otherSet, error) {
	if st, err := os.Stat(path); err != nil || !st.IsDir() {
		if kind, err := dataset.KindOf(path); err != nil || kind == dataset.COCO || kind == "" {
			return nil, nil // the reader of COCO's files says what is wrong
		}
	}
	set, err := dataset.Open(path, dataset.Options{Images: images, Split: "val"})
	if err != nil {
		return nil, err
	}
	if len(results) > 0 {
		return nil, hinted{fmt.Errorf("%s is %s, whose images have no ids that results could name", path, set.Kind), "leave the results away: the model is run over the images"}
	}
	if n := sayProblems(t, dataset.Check(set, nil, dataset.CheckOptions{Evaluate: true}), false); n > 0 {
		return nil, fmt.Errorf("%s: %d errors in the data, see above", path, n)
	}
	s := &otherSet{set: set}
	if s.folder, err = os.MkdirTemp("", "spinemask-eval-"); err != nil {
		return nil, err
	}
	s.file = filepath.Join(s.folder, "dataset.json")
	data, err := set.COCO()
	if err == nil {
		err = os.WriteFile(s.file, data, 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.folder))
	}
	return s, nil
}

func (s *otherSet) remove() { os.RemoveAll(s.folder) }

// files are those of the images, which the set knows.
func (s *otherSet) files(a *annotated) *annotatedFiles {
	a.data.File = s.set.Path
	if s.set.Kind == dataset.LabelImages {
		for i := range a.data.Categories {
			a.data.Categories[i].Name = "" // nobody has named it
		}
	}
	a.byPath = map[string]int64{}
	f := &annotatedFiles{annotated: a, folder: s.set.Path}
	for i, im := range s.set.Images {
		f.paths, f.of = append(f.paths, im.Path), append(f.of, i)
		a.byPath[im.Path] = a.data.Images[i].ID
	}
	return f
}

// stored says by path which images are annotated as they are stored.
func (s *otherSet) stored() map[string]bool {
	stored := map[string]bool{}
	for _, im := range s.set.Images {
		stored[im.Path] = im.AsStored
	}
	return stored
}
