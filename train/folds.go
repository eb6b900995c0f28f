package train

import (
	"slices"

	"github.com/spinemask/spinemask/dataset"
)

// A Fold is a way to part the images of a set into those that a model is trained on and
// those that it is measured on.
type Fold struct {
	Train, Validation *dataset.Set
	Images            []int // of the whole set, those of Validation
}

// Folds parts a set in n ways, such that each image is for validation in one of them:
// cross-validation, for sets that are too small to hold images out. The order is random,
// by the seed. There are at most as many folds as images; of one image there is none.
func Folds(set *dataset.Set, n int, seed uint64) []Fold {
	images := len(set.Images)
	n = min(n, images)
	if n < 2 {
		return nil
	}
	order := draws(seed, forFolds, 0, 0).Perm(images)
	folds := make([]Fold, n)
	for i := range folds {
		f := &folds[i]
		f.Images = slices.Clone(order[i*images/n : (i+1)*images/n])
		slices.Sort(f.Images)
		f.Train, f.Validation = split(set, f.Images)
	}
	return folds
}

// split takes some of the images of a set, whose indices rise, out of it.
func split(set *dataset.Set, out []int) (rest, taken *dataset.Set) {
	rest, taken = &dataset.Set{Categories: set.Categories}, &dataset.Set{Categories: set.Categories}
	for i, im := range set.Images {
		if _, ok := slices.BinarySearch(out, i); ok {
			taken.Images = append(taken.Images, im)
		} else {
			rest.Images = append(rest.Images, im)
		}
	}
	return rest, taken
}
