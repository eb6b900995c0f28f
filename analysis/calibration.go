package analysis

import (
	"maps"
	"math"
	"slices"
	"sort"
)

// Calibration compares scores with the share of detections that are right. Detections that are neither right nor wrong and
// missed annotations do not enter.
type Calibration struct {
	Bins       []CalibrationBin   `json:"bins"`
	ECE        float64            `json:"ece"` // expected calibration error: mean of |accuracy - mean score| over detections
	MCE        float64            `json:"mce"` // maximum calibration error: the largest of any bin
	Detections int                `json:"detections"`
	PerClass   []ClassCalibration `json:"per_class"` // of classes with detections, in the same number of bins
}

// A CalibrationBin holds the detections of scores from Low to below High; the last one also those above.
type CalibrationBin struct {
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
	Count     int     `json:"count"`
	MeanScore float64 `json:"mean_score"`
	Accuracy  float64 `json:"accuracy"` // share of right ones
}

// ClassCalibration is the calibration of one class.
type ClassCalibration struct {
	Class
	Detections int     `json:"detections"`
	ECE        float64 `json:"ece"`
	MCE        float64 `json:"mce"`
}

// bin sums the detections of a bin.
type bin struct {
	n, right int
	score    float64
}

func (b *bin) add(score float64, right bool) {
	b.n++
	b.score += score
	if right {
		b.right++
	}
}

// gap is |accuracy - mean score|.
func (b *bin) gap() float64 { return math.Abs(float64(b.right)/float64(b.n) - b.score/float64(b.n)) }

// errors returns ECE and MCE of bins that hold n detections.
func errors(bins []bin, n int) (ece, mce float64) {
	for i := range bins {
		if b := &bins[i]; b.n > 0 {
			ece += float64(float64(b.n) / float64(n) * b.gap())
			mce = max(mce, b.gap())
		}
	}
	return ece, mce
}

// Calibration makes a table of n bins of equal width (Guo et al. 2017).
func (a *Analysis) Calibration(n int) *Calibration {
	bins := make([]bin, n*(len(a.o.Categories)+1)) // of each class, then of all
	all := bins[n*len(a.o.Categories):]
	for i := range a.o.Detections {
		d := &a.o.Detections[i]
		if d.Ignored {
			continue
		}
		score := finite(d.Score)
		at := int(max(0, min(score*float64(n), float64(n-1))))
		bins[int(d.Category)*n+at].add(score, d.Right())
		all[at].add(score, d.Right())
	}
	c := &Calibration{PerClass: []ClassCalibration{}}
	for i := range all {
		b := &all[i]
		c.Detections += b.n
		c.Bins = append(c.Bins, CalibrationBin{
			Low: float64(i) / float64(n), High: float64(i+1) / float64(n), Count: b.n,
			MeanScore: ratio(b.score, float64(b.n)), Accuracy: ratio(float64(b.right), float64(b.n)),
		})
	}
	c.ECE, c.MCE = errors(all, c.Detections)
	for k := range a.o.Categories {
		x := ClassCalibration{Class: a.class(k)}
		of := bins[k*n:][:n]
		for i := range of {
			x.Detections += of[i].n
		}
		if x.Detections > 0 {
			x.ECE, x.MCE = errors(of, x.Detections)
			c.PerClass = append(c.PerClass, x)
		}
	}
	return c
}

// DetectionECE says what the cells of a calibration error of detections are made of beside the score, and which count.
type DetectionECE struct {
	Center bool // the centre of the box, relative to the image
	Size   bool // width and height of the box, relative to the image
	Bins   int  // per axis
	Least  int  // cells with fewer detections add nothing, but their detections are counted in the mean
}

// DetectionECE is the expected calibration error over cells of score, place and size (Küppers et al. 2020, as netcal 1.4.0
// computes it, with places and sizes cut off at the image's borders). ok is false where the size of an image is needed and
// unknown.
func (a *Analysis) DetectionECE(by DetectionECE) (ece float64, ok bool) {
	edges := make([]float64, by.Bins+1) // numpy's linspace
	for i := range edges {
		edges[i] = float64(i) * (1 / float64(by.Bins))
	}
	edges[by.Bins] = 1
	cells := map[int]*bin{}
	n := 0
	for i := range a.o.Detections {
		d := &a.o.Detections[i]
		if d.Ignored {
			continue
		}
		axes := []float64{finite(d.Score)}
		im := &a.o.Dataset.Images[a.o.Images[d.Image]]
		w, h := float64(im.Width), float64(im.Height)
		if (by.Center || by.Size) && (w <= 0 || h <= 0) {
			return 0, false
		}
		if by.Center {
			axes = append(axes, (d.Box[0]+float64(d.Box[2]/2))/w, (d.Box[1]+float64(d.Box[3]/2))/h)
		}
		if by.Size {
			axes = append(axes, d.Box[2]/w, d.Box[3]/h)
		}
		cell := 0
		for _, x := range axes {
			x = max(0, min(finite(x), 1))
			above := sort.Search(len(edges), func(i int) bool { return edges[i] > x })
			cell = cell*by.Bins + min(above, by.Bins) - 1
		}
		if cells[cell] == nil {
			cells[cell] = &bin{}
		}
		cells[cell].add(axes[0], d.Right())
		n++
	}
	for _, cell := range slices.Sorted(maps.Keys(cells)) { // the last bits of a sum depend on its order
		if b := cells[cell]; b.n >= by.Least {
			ece += float64(float64(b.n) / float64(n) * b.gap())
		}
	}
	return ece, true
}
