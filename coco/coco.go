// Package coco reads and writes COCO's two files: the data set (images, categories, annotations) and the results of a
// detector. OpenDataset and OpenResults read a file, packed by gzip or zstd or not; WriteDataset and NewResultsWriter
// write one.
//
// The readers are lenient where the world is: a string as info.year, ids written 1.0, ids that are strings, numbers beyond
// 64 bits or null, a missing iscrowd, categories without a supercategory, sizes of images that are none, NaN and Infinity,
// a byte order mark. What they cannot read is an *Error with the file, the byte offset, the entry, its id and the field,
// and where it can be told with the kind of file that it is instead. What a field means for an evaluation, and
// whether its absence is an error, is for package cocoeval to say.
//
// Boxes are x, y, width, height in pixels, x and y of the upper left corner. Keypoints are triples x, y, visibility.
package coco

import (
	"slices"
	"strconv"
)

// Fields selects which parts of annotations are read; the others are skipped, which is faster. Zero is AllFields.
type Fields uint8

const (
	Boxes     Fields = 1 << iota // bbox
	Masks                        // segmentation
	Keypoints                    // keypoints, num_keypoints
	AllFields = Boxes | Masks | Keypoints
)

// A Dataset is the content of an annotation file.
type Dataset struct {
	File       string // name it was read from
	Images     []Image
	Categories []Category
	Annotations

	NoCategories  bool // the file has no list "categories"
	ByteOrderMark bool // the file begins with one, which Python's json refuses
}

// Image is an entry of "images".
type Image struct {
	ID            int64 // an index into ImageNames, where there are any
	Height, Width int   // pixels; 0 where the file does not say
	BadSize       bool  // the file says something that is no count of pixels, such as -1, or 120.5 of which 120 is kept
	FileName      string

	// For LVIS: categories known to be absent, and those of which not every instance is annotated. Nil where the file
	// does not say.
	Negative, NotExhaustive []int64
}

// Category is an entry of "categories".
type Category struct {
	ID                  int64
	IDName              *Name // the id in a file that has CategoryNames, where ID is an index; nil otherwise
	Name, Supercategory string
	Frequency           string   // LVIS: r, c or f
	Keypoints           []string // names
}

// Results is the content of a results file.
type Results struct {
	File string // name it was read from
	Annotations

	ByteOrderMark bool // the file begins with one, which Python's json refuses
	InObject      bool // the list was found as "annotations" of an object
}

// Annotations holds annotations or detections column by column: entry i of the file is element i of every column. A column
// is nil where its field was not asked for, or has no meaning in the file.
type Annotations struct {
	ID         []int64   // of data sets only, like Area; an index into IDNames, where there are any
	ImageID    []int64   // an index into ImageNames, where there are any
	CategoryID []int64   // an index into CategoryNames, where there are any
	Score      []float64 // of results only
	Box        [][4]float64
	Area       []float64
	Has        []Has
	Mask       []Mask
	Keypoints  [][]float64
	Visible    []int32 // num_keypoints
	Offset     []int64 // byte offset of the entry in the unpacked file

	// The ids of a file that are not all integers of 64 bits, nil otherwise. Those of images and categories ascend; the first
	// of annotations is the number 0.
	IDNames, ImageNames, CategoryNames []Name

	data     []byte        // the file
	polygons [][][]float64 // of Mask.index
	runs     [][]uint32    // of Mask.index, where the file lists them
}

// Has says which fields an entry had, and holds the flags among them.
type Has uint16

const (
	HasID Has = 1 << iota
	HasScore
	HasBox   // four numbers
	EmptyBox // an empty list
	NullBox
	HasArea
	HasCrowd // iscrowd was given
	IsCrowd
	Ignore
	HasKeypoints
	HasVisible // num_keypoints was given

	// While a file is read: the id is a number of a name.
	namedID
	namedImage
	namedCategory
)

// Len is the number of entries.
func (a *Annotations) Len() int { return len(a.ImageID) }

// IDName returns how the file writes the id of annotation i.
func (a *Annotations) IDName(i int) string { return nameOf(a.IDNames, a.ID[i]) }

// ImageName returns how the file writes the image id that ImageID holds as id.
func (a *Annotations) ImageName(id int64) string { return nameOf(a.ImageNames, id) }

// CategoryName returns how the file writes the category id that CategoryID holds as id.
func (a *Annotations) CategoryName(id int64) string { return nameOf(a.CategoryNames, id) }

func nameOf(list []Name, id int64) string {
	if list != nil {
		return list[id].String()
	}
	return strconv.FormatInt(id, 10)
}

// fail returns an error about a field of entry i.
func (a *Annotations) fail(i int, array, field, msg string) *Error {
	e := &Error{Offset: a.Offset[i], Array: array, Index: i, Field: field, Msg: msg}
	if a.ID != nil && a.Has[i]&HasID != 0 {
		e.ID = a.IDName(i)
	}
	return e
}

// Fail returns an error that names a field of annotation i.
func (d *Dataset) Fail(i int, field, msg string) error {
	e := d.fail(i, "annotations", field, msg)
	e.File = d.File
	return e
}

// Fail returns an error that names a field of result i.
func (r *Results) Fail(i int, field, msg string) error {
	e := r.fail(i, "results", field, msg)
	e.File = r.File
	return e
}

// HasCategoryNames reports whether any category has a name.
func (d *Dataset) HasCategoryNames() bool {
	return slices.ContainsFunc(d.Categories, func(c Category) bool { return c.Name != "" })
}
