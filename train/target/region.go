package target

import (
	"errors"

	"github.com/spinemask/spinemask/box"
)

// A Region is one that the heads are trained on.
type Region struct {
	Box     box.Box
	Class   int        // 0: background
	Truth   int        // index of the object, −1 for the background
	Deltas  [4]float32 // to the object, by the options' Encode; 0 for the background
	Matched box.Box    // the object's box
}

// RegionOptions are those of SampleRegions.
type RegionOptions struct {
	Samples    int     // regions of an image: 512
	Fraction   float64 // of them that may be objects: 0.25
	Thresholds Thresholds
	Encode     Encoding
}

// SampleRegions chooses regions among proposals, in their order: at most a part of
// them objects, the rest background. Rows of proposals or truths that are negative
// everywhere pad the lists. order is a permutation of the proposals
// (modeling/layers/roi_sampler.py). The caller has appended the truths to the
// proposals if they are to be among them, as the Garden does.
func SampleRegions(proposals, truths []box.Box, classes []int, order []int, o RegionOptions) ([]Region, []Match, error) {
	if len(proposals) < o.Samples {
		return nil, nil, errors.New("target: fewer proposals than are sampled")
	}
	matches := matchRegions(proposals, truths, o.Thresholds)
	candidates, positive := make([]bool, len(proposals)), make([]bool, len(proposals))
	for i, m := range matches {
		positive[i] = m.Kind == Positive
		candidates[i] = positive[i] || m.Kind == Negative
	}
	chosen := SampleStatic(candidates, positive, order, o.Samples, o.Fraction)
	var regions []Region
	for _, want := range []bool{true, false} { // then others, in order, if too few were chosen
		for i := range proposals {
			if chosen[i] == want && len(regions) < o.Samples {
				regions = append(regions, region(proposals[i], matches[i], truths, classes, o.Encode))
			}
		}
	}
	return regions, matches, nil
}

func matchRegions(proposals, truths []box.Box, th Thresholds) []Match {
	matches := make([]Match, len(proposals))
	Assign(matches, len(truths), func(i, j int) float32 {
		if padding(proposals[i]) || padding(truths[j]) {
			return -1
		}
		return IoU(proposals[i], truths[j])
	}, th, false)
	if len(truths) == 0 {
		for i := range matches {
			matches[i].Kind = Invalid
		}
	}
	return matches
}

func padding(b box.Box) bool { return max(b.Y1, b.X1, b.Y2, b.X2) < 0 }

func region(b box.Box, m Match, truths []box.Box, classes []int, encode Encoding) Region {
	r := Region{Box: b, Truth: -1}
	if m.Kind == Negative || m.Kind == Invalid {
		return r
	}
	r.Class, r.Truth, r.Matched = classes[m.Truth], m.Truth, truths[m.Truth]
	r.Deltas = encode(r.Matched, b)
	return r
}

// SampleMasks chooses the regions that the mask head is trained on: the first n of
// them that are objects, in their order, and background to make n
// (modeling/layers/mask_sampler.py).
func SampleMasks(regions []Region, n int) []Region {
	var list []Region
	for _, objects := range []bool{true, false} {
		for _, r := range regions {
			if (r.Class > 0) == objects && len(list) < n {
				list = append(list, r)
			}
		}
	}
	return list
}
