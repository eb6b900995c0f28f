package analysis

import (
	"cmp"
	"slices"
)

// ImageCounts counts the detections of an image.
type ImageCounts struct {
	Index int    `json:"-"`        // in Outcomes.Images
	ID    any    `json:"image_id"` // as the file has it: a number or a string
	File  string `json:"file_name"`
	TP    int    `json:"tp"` // of at least the score
	FP    int    `json:"fp"` // of at least the score
	FN    int    `json:"fn"` // annotations without a detection of at least the score
}

// Images counts right, wrong and missing detections of at least some score in each image, the worst image first: that with
// the most wrong and missing ones, of equal ones that with the lowest id.
func (a *Analysis) Images(score float64) []ImageCounts {
	o := a.o
	list := make([]ImageCounts, len(o.Images))
	for i, entry := range o.Images {
		im := &o.Dataset.Images[entry]
		list[i] = ImageCounts{Index: i, ID: a.imageID(i), File: im.FileName}
	}
	for i := range o.Detections {
		switch d := &o.Detections[i]; {
		case !(d.Score >= score):
		case d.Right():
			list[d.Image].TP++
		case d.Wrong():
			list[d.Image].FP++
		}
	}
	for g := range o.Annotations {
		if x := &o.Annotations[g]; !x.Ignored && !a.matchedAt(g, score) {
			list[x.Image].FN++
		}
	}
	slices.SortStableFunc(list, func(x, y ImageCounts) int { return cmp.Compare(y.FP+y.FN, x.FP+x.FN) })
	return list
}
