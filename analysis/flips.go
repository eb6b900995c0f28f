package analysis

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"

	"github.com/spinemask/spinemask/cocoeval"
)

// Flips lists what two models decide differently, A's detections of at least ScoreA beside B's of at least ScoreB.
type Flips struct {
	ScoreA float64 `json:"score_a"`
	ScoreB float64 `json:"score_b"`

	FoundByA []Found      `json:"found_by_a"`         // annotations that A finds and B misses, by A's score
	FoundByB []Found      `json:"found_by_b"`         // annotations that B finds and A misses, by B's score
	Wrong    []WrongAlone `json:"false_positives_b"`  // of B, where A has no false positive of the class, by score
	Images   SignTest     `json:"images_with_errors"` // by false positives and misses together
}

// Found is an annotation that one model finds and the other misses.
type Found struct {
	Place
	Annotation any     `json:"annotation_id"`
	Score      float64 `json:"score"` // of the model that finds it
	IoU        float64 `json:"iou"`

	Detection int `json:"-"` // in Outcomes.Detections of that model
	Index     int `json:"-"` // in Outcomes.Annotations
}

// WrongAlone is a false positive of B that A does not have: no false positive of A of the class overlaps its box by the
// IoU of the matching. Boxes are compared also where masks are evaluated.
type WrongAlone struct {
	Place
	Score     float64 `json:"score"`
	Detection int     `json:"-"` // in Outcomes.Detections of B
}

// Place says where in the pictures something is.
type Place struct {
	Image int        `json:"-"` // in Outcomes.Images
	ID    any        `json:"image_id"`
	File  string     `json:"file_name"`
	Class Class      `json:"class"`
	Box   [4]float64 `json:"bbox"` // x, y, width, height in pixels
}

// SignTest compares two models image by image.
type SignTest struct {
	BetterA int     `json:"better_a"` // images on which A has fewer errors
	BetterB int     `json:"better_b"`
	Equal   int     `json:"equal"`
	P       float64 `json:"p"` // two-sided: the chance of a split at least as uneven, were both equally good
}

// CompareOutcomes lists what models a and b, evaluated on the same data with the same settings, decide differently.
func CompareOutcomes(a, b *Analysis, scoreA, scoreB float64) (*Flips, error) {
	same := func(x, y cocoeval.AnnotationOutcome) bool { return x.Entry == y.Entry && x.Image == y.Image }
	if !slices.Equal(a.o.Images, b.o.Images) || !slices.EqualFunc(a.o.Annotations, b.o.Annotations, same) {
		return nil, fmt.Errorf("analysis: models to compare have different images or annotations")
	}
	f := &Flips{ScoreA: scoreA, ScoreB: scoreB}
	for g := range a.o.Annotations {
		if a.o.Annotations[g].Ignored {
			continue
		}
		switch byA, byB := a.matchedAt(g, scoreA), b.matchedAt(g, scoreB); {
		case byA && !byB:
			f.FoundByA = append(f.FoundByA, a.found(g))
		case byB && !byA:
			f.FoundByB = append(f.FoundByB, b.found(g))
		}
	}
	for _, list := range [][]Found{f.FoundByA, f.FoundByB} {
		slices.SortStableFunc(list, func(x, y Found) int { return compareScores(x.Score, y.Score) })
	}
	f.Wrong = b.wrongAlone(a, scoreB, scoreA)
	f.Images = signTest(a.Images(scoreA), b.Images(scoreB))
	return f, nil
}

// found describes annotation g, which has a detection.
func (a *Analysis) found(g int) Found {
	x := &a.o.Annotations[g]
	d := int(x.Detection)
	return Found{
		Place: a.place(x.Image, x.Category, cocoeval.AnnotationBox(a.o.Dataset, int(x.Entry))), Annotation: a.annotationID(g),
		Score: finite(a.o.Detections[d].Score), IoU: a.iou(d, g), Detection: d, Index: g,
	}
}

func (a *Analysis) place(image, category int32, box [4]float64) Place {
	im := &a.o.Dataset.Images[a.o.Images[image]]
	for i, v := range box {
		box[i] = finite(v)
	}
	return Place{Image: int(image), ID: a.imageID(int(image)), File: im.FileName, Class: a.class(int(category)), Box: box}
}

// imageID is the id of an image as the file has it.
func (a *Analysis) imageID(image int) any {
	d := a.o.Dataset
	if key := d.Images[a.o.Images[image]].ID; d.ImageNames != nil {
		return id(d.ImageNames[key])
	} else {
		return key
	}
}

// annotationID is the id of annotation g as the file has it.
func (a *Analysis) annotationID(g int) any {
	d, i := a.o.Dataset, a.o.Annotations[g].Entry
	if d.IDNames != nil {
		return id(d.IDNames[d.ID[i]])
	}
	return d.ID[i]
}

// iou is that of detection d with annotation g, or 0 below cocoeval.MinOverlap.
func (a *Analysis) iou(d, g int) float64 {
	for _, x := range a.o.Overlaps(d) {
		if int(x.Annotation) == g {
			return x.IoU
		}
	}
	return 0
}

// wrongAlone lists the false positives of at least some score that other does not have at its score.
func (a *Analysis) wrongAlone(other *Analysis, score, otherScore float64) (list []WrongAlone) {
	for image := range a.o.Images {
		from, to := a.o.DetectionsOf(image)
		for i := from; i < to; i++ {
			if d := &a.o.Detections[i]; d.Wrong() && d.Score >= score && !other.hasWrong(image, d, otherScore) {
				list = append(list, WrongAlone{a.place(d.Image, d.Category, d.Box), finite(d.Score), i})
			}
		}
	}
	slices.SortStableFunc(list, func(x, y WrongAlone) int { return compareScores(x.Score, y.Score) })
	return list
}

// hasWrong reports whether a false positive overlaps one that another model has in the image.
func (a *Analysis) hasWrong(image int, of *cocoeval.DetectionOutcome, score float64) bool {
	from, to := a.o.DetectionsOf(image)
	for i := from; i < to; i++ {
		if d := &a.o.Detections[i]; d.Wrong() && d.Category == of.Category && d.Score >= score && cocoeval.BoxIoU(d.Box, of.Box) >= a.least() {
			return true
		}
	}
	return false
}

// signTest counts on which images which model has fewer errors.
func signTest(a, b []ImageCounts) (s SignTest) {
	errors := make([]int, len(a))
	for _, x := range a {
		errors[x.Index] = x.FP + x.FN
	}
	for _, x := range b {
		switch cmp.Compare(errors[x.Index], x.FP+x.FN) {
		case -1:
			s.BetterA++
		case 1:
			s.BetterB++
		default:
			s.Equal++
		}
	}
	s.P = binomialP(min(s.BetterA, s.BetterB), s.BetterA+s.BetterB)
	return s
}

// binomialP is the chance that n throws of a coin give at most k heads, or at most k tails, exactly.
func binomialP(k, n int) float64 {
	if 2*k >= n {
		return 1
	}
	sum, term := new(big.Int), big.NewInt(1)
	for i := range int64(k + 1) {
		sum.Add(sum, term)
		term.Mul(term, big.NewInt(int64(n)-i))
		term.Quo(term, big.NewInt(i+1))
	}
	all := new(big.Int).Lsh(big.NewInt(1), uint(n-1)) // half of 2^n, for the two sides
	p, _ := new(big.Rat).SetFrac(sum, all).Float64()
	return min(p, 1)
}
