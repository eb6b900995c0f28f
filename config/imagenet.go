package config

import (
	_ "embed"
	"strings"
)

// imageNetNames are the 1000 classes of ILSVRC 2012 in the order of their WordNet ids, a line each: the first word of the synset, with more where that word
// is there twice.
//
//go:embed imagenet.txt
var imageNetNames string

// imageNetCategories has a row for the background and one for each class, as the classifiers of tensorflow/tpu and of the Garden do.
func imageNetCategories() []Category {
	rows := []Category{{ID: 0, Name: "background"}}
	for name := range strings.Lines(imageNetNames) {
		rows = append(rows, Category{ID: len(rows), Name: strings.TrimSuffix(name, "\n")})
	}
	return rows
}
