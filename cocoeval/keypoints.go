package cocoeval

import (
	"math"

	"github.com/spinemask/spinemask/coco"
)

// keypoints is the object keypoint similarity, computeOks of pycocotools.
type keypoints struct {
	g        *truth
	d        *detections
	agnostic bool
	vars     []float64 // (2σ)² of each keypoint
	e        []float64 // exp(-distance) of the keypoints that count
}

func newKeypoints(p *Params, g *truth, d *detections) *keypoints {
	o := &keypoints{g: g, d: d, agnostic: p.ClassAgnostic}
	for _, s := range p.Sigmas {
		o.vars = append(o.vars, (s*2)*(s*2))
	}
	return o
}

func (o *keypoints) ious(dets []int32, from, to int32, out []float64) error {
	n := int(to - from)
	for j := from; j < to; j++ {
		for i, d := range dets {
			oks := -1.0 // the reference finds no keypoints without regard to categories, so nothing matches
			if !o.agnostic {
				oks = o.similarity(o.d.Keypoints[d], &o.g.data.Annotations, int(o.g.entry[j]), o.g.area[j])
			}
			out[i*n+int(j-from)] = oks
		}
	}
	return nil
}

// similarity compares the keypoints d of a detection with those of an annotation of the given area. Without a visible
// keypoint the distance is that to the annotation's box, doubled in size.
func (o *keypoints) similarity(d []float64, a *coco.Annotations, entry int, area float64) float64 {
	g, b := a.Keypoints[entry], a.Box[entry]
	visible := 0
	for k := range o.vars {
		if g[3*k+2] > 0 {
			visible++
		}
	}
	x0, x1 := b[0]-b[2], b[0]+float64(b[2]*2)
	y0, y1 := b[1]-b[3], b[1]+float64(b[3]*2)
	o.e = o.e[:0]
	for k, v := range o.vars {
		var dx, dy float64
		if visible > 0 {
			if !(g[3*k+2] > 0) {
				continue
			}
			dx, dy = d[3*k]-g[3*k], d[3*k+1]-g[3*k+1]
		} else {
			dx = max(0, x0-d[3*k]) + max(0, d[3*k]-x1)
			dy = max(0, y0-d[3*k+1]) + max(0, d[3*k+1]-y1)
		}
		e := (float64(dx*dx) + float64(dy*dy)) / v / (area + 0x1p-52) / 2
		o.e = append(o.e, exp(-e))
	}
	return pairwiseSum(o.e) / float64(len(o.e))
}

// exp is eˣ with an error of hardly more than half a unit in the last place, the same on every processor; math.Exp has
// several versions. It computes with pairs of float64 whose sum is the value.
func exp(x float64) float64 {
	switch {
	case math.IsNaN(x):
		return x
	case x > 709.79:
		return math.Inf(1)
	case x < -745.14:
		return 0
	}
	// x = k·ln 2 + r, and r/2^8 is small enough for a short series.
	const ln2Hi, ln2Lo = 0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56
	k := math.RoundToEven(x / ln2Hi)
	r := pairOf(x).add(pairProduct(-k, ln2Hi)).add(pairProduct(-k, ln2Lo))
	const halvings = 8
	r.hi, r.lo = r.hi/(1<<halvings), r.lo/(1<<halvings)
	sum := pairOf(1)
	for n := 10; n > 0; n-- { // Horner: 1 + r/n·(…)
		sum = r.mul(sum).div(float64(n)).add(pairOf(1))
	}
	for range halvings {
		sum = sum.mul(sum)
	}
	return math.Ldexp(sum.hi, int(k))
}

// pair is the unevaluated sum of two float64, |lo| at most half a unit in the last place of hi.
type pair struct{ hi, lo float64 }

func pairOf(x float64) pair { return pair{x, 0} }

func pairProduct(a, b float64) pair {
	p := float64(a * b)
	return pair{p, math.FMA(a, b, -p)}
}

func (a pair) add(b pair) pair {
	s := a.hi + b.hi
	t := s - a.hi
	e := (a.hi - (s - t)) + (b.hi - t)
	return quick(s, e+(a.lo+b.lo))
}

func (a pair) mul(b pair) pair {
	p := pairProduct(a.hi, b.hi)
	return quick(p.hi, p.lo+(float64(a.hi*b.lo)+float64(a.lo*b.hi)))
}

func (a pair) div(n float64) pair {
	q := a.hi / n
	return quick(q, (math.FMA(-q, n, a.hi)+a.lo)/n)
}

// quick renormalises the sum of a and a much smaller b.
func quick(a, b float64) pair {
	s := a + b
	return pair{s, b - (s - a)}
}
