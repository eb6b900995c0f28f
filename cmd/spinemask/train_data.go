package main

import (
	"fmt"
	"path/filepath"

	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/train"
)

// readData reads the data set and what is for validation, and says what they are.
func (r *trainRun) readData() error {
	f := r.flags
	set, err := dataset.Open(f.data, dataset.Options{Images: f.images})
	if err != nil {
		return advised(err)
	}
	r.set, r.whole, r.val = set, set, set.Validation
	if f.val != "" {
		images := f.valImages
		if images == "" {
			images = f.images
		}
		if r.val, err = dataset.Open(f.val, dataset.Options{Images: images, Split: "val"}); err != nil {
			return advised(err)
		}
	}
	if hasErrors(set.Problems) || r.val != nil && hasErrors(r.val.Problems) {
		return r.checkData(false)
	}
	if r.val == nil && len(set.Images) >= 10 {
		r.set, r.val = train.HoldOut(set, f.seed)
		r.heldOut = true
	}
	n := 0
	for _, im := range r.set.Images {
		n += len(im.Objects)
	}
	r.talk.say("data     %s: %d images, %d objects, classes %s", set.Kind, len(r.set.Images), n, some(set.Titles(), 12))
	switch {
	case r.heldOut && f.out == "":
		r.talk.say("         %s held out for validation", more(len(r.val.Images)))
	case r.heldOut:
		r.talk.say("         %s held out for validation, see %s", more(len(r.val.Images)), filepath.Join(f.folder(), trainSplit))
	case r.val == nil:
		r.talk.say("         fewer than ten images: none is held out, so there is no validation, no early stop and no best model, only the last one")
		if n := len(r.folds()); n > 0 {
			r.talk.say("         the display threshold is taken by folds: %d more models, each trained without %s of the images and shown that part (--folds 0 leaves them out)", n, part(n))
		}
	default:
		r.talk.say("         %d images for validation", len(r.val.Images))
	}
	return nil
}

// more counts images beside those that are trained on.
func more(n int) string {
	if n == 1 {
		return "1 more image is"
	}
	return fmt.Sprintf("%d more images are", n)
}

// shownProblems is how many of each kind are printed without --check.
const shownProblems = 3

// checkData says what is wrong with the data; errors end the command. masks tells whether
// the model learns masks.
func (r *trainRun) checkData(masks bool) error {
	val := r.val
	if r.heldOut {
		val = nil // a part of the data set, which is looked at as a whole
	}
	problems := dataset.Check(r.whole, val, dataset.CheckOptions{Masks: masks})
	errors := sayProblems(r.talk, problems, r.flags.check)
	if errors > 0 {
		err := fmt.Errorf("%s: %d errors in the data, see above", r.flags.data, errors)
		if errors == 1 {
			err = fmt.Errorf("%s: an error in the data, see above", r.flags.data)
		}
		return err
	}
	if val != nil {
		val.Recategorize(r.whole)
	}
	if r.flags.check && len(problems) == 0 {
		r.talk.say("         nothing is wrong with them")
	}
	return nil
}

// sayProblems prints problems, of each kind all or a few, and counts the errors.
func sayProblems(t *talk, problems []dataset.Problem, all bool) (errors int) {
	count, last := map[string]int{}, map[string]int{}
	for i, p := range problems {
		last[p.Code] = i
	}
	for i, p := range problems {
		say, word := t.say, "warning:"
		if p.Severity == dataset.Error {
			errors++
			say, word = t.line, "error:"
		}
		count[p.Code]++
		if n := count[p.Code]; all || n <= shownProblems {
			say("%s %v", word, p)
		} else if i == last[p.Code] {
			say("%s … and %d more of the same kind; --check prints all [%s]", word, n-shownProblems, p.Code)
		}
	}
	return errors
}

func hasErrors(problems []dataset.Problem) bool {
	for _, p := range problems {
		if p.Severity == dataset.Error {
			return true
		}
	}
	return false
}
