package analysis

import "github.com/spinemask/spinemask/cocoeval"

// An ErrorTable is COCO's error analysis as numbers: the area under each curve of precision. What a kind of error costs is the
// difference to the kind before.
type ErrorTable struct {
	Kinds   []string     `json:"kinds"` // C75, C50, Loc, Sim, Oth, BG, FN
	Areas   []string     `json:"areas"`
	MMDet   bool         `json:"mmdet"` // the mean is over all categories of the file, absent ones as 0, as mmdetection has it
	All     [][]float64  `json:"all"`   // kinds × areas: the mean over the categories with annotations that count; -1 without any
	Classes []ClassError `json:"classes"`
}

// ClassError is a category's part of an ErrorTable.
type ClassError struct {
	Class       Class       `json:"class"`
	Annotations []int       `json:"annotations"` // per area: those that count
	Mean        [][]float64 `json:"mean"`        // kinds × areas; 0 where no annotation counts, but for FN
}

// NewErrorTable makes the table of curves.
func NewErrorTable(c *cocoeval.ErrorCurves, mmdet bool) *ErrorTable {
	t := &ErrorTable{MMDet: mmdet}
	for a := range c.Areas {
		t.Areas = append(t.Areas, c.Areas[a].Label)
	}
	for k := range c.Categories {
		t.Classes = append(t.Classes, ClassError{Class: newClass(k, &c.Categories[k]), Annotations: c.Counted[k*len(c.Areas):][:len(c.Areas)]})
	}
	for _, kind := range cocoeval.ErrorKinds() {
		t.Kinds = append(t.Kinds, kind.String())
		all := make([]float64, len(c.Areas))
		n := make([]float64, len(c.Areas))
		for k := range t.Classes {
			class := &t.Classes[k]
			row := make([]float64, len(c.Areas))
			for a := range row {
				row[a] = c.Mean(kind, k, a)
				if mmdet || class.Annotations[a] > 0 {
					all[a] += row[a]
					n[a]++
				}
			}
			class.Mean = append(class.Mean, row)
		}
		for a := range all {
			if all[a] /= n[a]; n[a] == 0 {
				all[a] = -1
			}
		}
		t.All = append(t.All, all)
	}
	return t
}
