package coco

import (
	"slices"

	"github.com/spinemask/spinemask/rle"
)

// An Entry is one annotation or detection, for writing files and for looking at single ones.
type Entry struct {
	ID         int64
	IDName     *Name // the id in a file that has IDNames; nil otherwise
	ImageID    int64
	ImageName  *Name // the image's id in a file that has ImageNames; nil otherwise
	CategoryID int64
	Category   *Name // the category's id in a file that has CategoryNames; nil otherwise
	Score      float64
	Box        [4]float64
	Area       float64
	Mask       rle.Mask    // the segmentation, if it is one of run lengths
	Polygons   [][]float64 // the segmentation, if it is one of polygons
	Keypoints  []float64
	Visible    int    // num_keypoints
	Has        Has    // which of the fields count, and the flags
	Members    []byte // for writing: further members of the object as JSON, such as "a":1,"b":[]
}

// Entry returns entry i with its runs decoded.
func (a *Annotations) Entry(i int) Entry {
	e := Entry{ImageID: a.ImageID[i], CategoryID: a.CategoryID[i], Box: a.Box[i], Has: a.Has[i]}
	if a.ImageNames != nil {
		e.ImageName = &a.ImageNames[e.ImageID]
	}
	if a.CategoryNames != nil {
		e.Category = &a.CategoryNames[e.CategoryID]
	}
	if a.ID != nil {
		e.ID, e.Area = a.ID[i], a.Area[i]
		if a.IDNames != nil {
			e.IDName = &a.IDNames[e.ID]
		}
	}
	if a.Score != nil {
		e.Score = a.Score[i]
	}
	if i < len(a.Mask) {
		switch m := &a.Mask[i]; m.Kind {
		case PolygonMask:
			e.Polygons = a.Polygons(i)
		case RunMask, ListMask:
			e.Mask = rle.Mask{H: int(m.H), W: int(m.W), Runs: a.AppendRuns(nil, i)}
		}
	}
	if a.Keypoints != nil {
		e.Keypoints, e.Visible = a.Keypoints[i], int(a.Visible[i])
	}
	return e
}

// Append adds an entry to the columns that results have. It keeps the mask's runs and the keypoints.
func (a *Annotations) Append(e *Entry) {
	n := a.Len()
	a.ImageID, a.CategoryID = append(a.ImageID, e.ImageID), append(a.CategoryID, e.CategoryID)
	a.Score, a.Box = append(a.Score, e.Score), append(a.Box, e.Box)
	a.Has, a.Offset = append(a.Has, e.Has), append(a.Offset, 0)
	var m Mask
	switch {
	case e.Mask.Runs != nil:
		m = Mask{Kind: ListMask, H: uint32(e.Mask.H), W: uint32(e.Mask.W), index: int64(len(a.runs))}
		m.measured(e.Mask.Summary())
		a.runs = append(a.runs, e.Mask.Runs)
	case e.Polygons != nil:
		m = Mask{Kind: PolygonMask, index: int64(len(a.polygons))}
		a.polygons = append(a.polygons, e.Polygons)
	}
	if m.Kind != NoMask || a.Mask != nil {
		a.Mask = append(slices.Grow(a.Mask, 1), make([]Mask, n-len(a.Mask))...)
		a.Mask = append(a.Mask, m)
	}
	if e.Keypoints != nil || a.Keypoints != nil {
		a.Keypoints = append(a.Keypoints, make([][]float64, n-len(a.Keypoints))...)
		a.Visible = append(a.Visible, make([]int32, n-len(a.Visible))...)
		a.Keypoints, a.Visible = append(a.Keypoints, e.Keypoints), append(a.Visible, int32(e.Visible))
	}
}
