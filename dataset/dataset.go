// Package dataset holds pictures with the objects that people have marked in them,
// whatever file they come from: what networks are trained and measured with.
//
// Open reads COCO's data sets, folders of labelme, YOLO's detection and segmentation
// labels, label images and QuPath's GeoJSON, told apart by content. An outline becomes
// a mask as the program that it is made for fills it: labelme's and YOLO's with the
// pixels under the line, those of COCO and GeoJSON by pycocotools' rule. Check says
// what is wrong with a set before anything is trained on it.
package dataset

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// A Kind is a way to write a data set down.
type Kind string

// The kinds that Open knows.
const (
	COCO        Kind = "COCO"
	Labelme     Kind = "labelme"
	YOLO        Kind = "YOLO"
	LabelImages Kind = "label images"
	GeoJSON     Kind = "GeoJSON"
)

// A Set is pictures with their objects.
type Set struct {
	Kind       Kind
	Path       string     // that it was opened with
	Categories []Category // in the order of their ids
	Images     []Image

	// Validation is the part that the data set itself names for validation; nil if
	// there is none.
	Validation *Set
	// Problems are what was found wrong while the set was read. What they are about is
	// left out of Images.
	Problems []Problem
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
	AsStored      bool   // it is annotated as its pixels are stored, whatever EXIF says of its orientation
	Place         string // the file, and the place in it, that holds its objects, for messages
	Objects       []Object
}

// An Object is one marked thing.
type Object struct {
	Category int      // index in Set.Categories
	Mask     rle.Mask // of the whole picture; the zero mask if there is only a box
	Box      box.Box  // picture pixels, half-open: as annotated, else around the mask
	Crowd    bool     // many things that are not told apart; they are neither learned nor counted as missed
	Place    string   // in the file, for messages: "annotations[5] (id 6)"
}

// HasMask tells whether more than a box is known of the object.
func (o *Object) HasMask() bool { return len(o.Mask.Runs) > 0 }

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

// masked makes an object of a mask, with the box around it.
func masked(category int, m rle.Mask, place string) Object {
	return Object{Category: category, Mask: m, Box: bounds(m), Place: place}
}

// bounds is the box around a mask.
func bounds(m rle.Mask) box.Box {
	x, y, w, h := m.Bounds()
	return box.Box{X1: float32(x), Y1: float32(y), X2: float32(x + w), Y2: float32(y + h)}
}
