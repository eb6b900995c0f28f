// Package dataset holds pictures with the objects that people have marked in them,
// whatever file they come from: what networks are trained and measured with.
package dataset

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// A Set is pictures with their objects.
type Set struct {
	Categories []Category // in the order of their ids
	Images     []Image
}

// A Category is a class of objects.
type Category struct {
	ID   int    // in the data set
	Name string // "" if the data set does not say
}

// An Image is a picture and what is marked in it.
type Image struct {
	Name          string // in the data set, as a path with slashes
	Path          string // of the file
	Height, Width int    // as annotated, pixels; 0 if the data set does not say
	Objects       []Object
}

// An Object is one marked thing.
type Object struct {
	Category int      // index in Set.Categories
	Mask     rle.Mask // of the whole picture
	Box      box.Box  // picture pixels, half-open: as annotated, else around the mask
	Crowd    bool     // many things that are not told apart; they are neither learned nor counted as missed
	Place    string   // in the file, for messages: "annotations[5] (id 6)"
}

// SHA256 stands for what is marked in the set: names, sizes, classes, boxes and masks,
// but not for the pixels. It is hexadecimal.
func (s *Set) SHA256() string {
	data, err := s.COCO()
	if err != nil {
		panic("dataset: a set that JSON cannot hold")
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
