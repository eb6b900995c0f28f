package roialign

import (
	"math"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/portable"
)

// taps are the places along one axis that a bin is interpolated from; none if the bin lies outside of the map.
type taps struct {
	at     []int32
	weight []float32
}

// add adds a place, or its weight if the place is there: places come in order.
func (t *taps) add(at int32, weight float32) {
	for i := max(len(t.at)-2, 0); i < len(t.at); i++ {
		if t.at[i] == at {
			t.weight[i] += float32(weight)
			return
		}
	}
	t.at, t.weight = append(t.at, at), append(t.weight, weight)
}

// line is the taps of the bins along an axis. Those of a RoI of usual size fit into its room.
type line struct {
	bins   [maxSize]taps
	at     [maxSize * perBin]int32
	weight [maxSize * perBin]float32
}

const perBin = 4

// reset returns n bins without taps, each with as much room as the rest.
func (l *line) reset(n int) []taps {
	room := maxSize * perBin / n
	for i := range n {
		l.bins[i] = taps{l.at[i*room : i*room : (i+1)*room], l.weight[i*room : i*room : (i+1)*room]}
	}
	return l.bins[:n]
}

// place fills the taps of the bins of a RoI from low to high (input pixels) along an axis of a map of length places.
func (a *Aligner) place(bins []taps, low, high, scale float32, length int) {
	switch a.c.Rule {
	case config.RoIAlignTF:
		placeTF(bins, low*scale, float32(high-low)*scale, length)
	case config.RoIAlignLegacy:
		start := float32(low * scale)
		placeSampled(bins, start, max(float32(high*scale)-start, 1), 2, length)
	case config.RoIAlignMMDet1:
		start := float32(low * scale)
		placeSampled(bins, start, max(float32((high+1)*scale)-start, 0), 2, length)
	case config.RoIAlignAdaptive: // torchvision: csrc/ops/cpu/roi_align_kernel.cpp, aligned and without a sampling ratio
		start := float32(low*scale) - 0.5
		extent := float32(high*scale) - 0.5 - start
		samples := math.Ceil(float64(extent / float32(len(bins))))
		if !(samples > 0) {
			return
		}
		placeSampled(bins, start, extent, int(min(samples, maxSamples)), length)
	}
}

// placeTF puts one sample into the middle of a bin, features being at whole numbers (tpu: ops/spatial_transform_ops.py, compute_grid_positions).
func placeTF(bins []taps, start, extent float32, length int) {
	n, last := float32(len(bins)), float32(length-1)
	for i := range bins {
		at := start + float32((float32(i)+0.5)*extent)/n
		low := min(max(floor(at), 0), last)
		high := min(low+1, last)
		if low != low {
			low, high = 0, 0
		}
		bins[i].at = append(bins[i].at, int32(low), int32(high))
		bins[i].weight = append(bins[i].weight, 1-(at-low), at-low)
	}
}

// maxSamples bounds the samples of a bin along an axis: RoIs lie in the picture, whose maps are smaller.
const maxSamples = 1 << 14

// placeSampled puts so many samples into a bin; the bin is their mean (torchvision: csrc/ops/cpu/roi_align_common.h, mmdetection 1.x:
// ops/roi_align/src/roi_align_kernel.cu, ROIAlignForwardV1). A sample more than a pixel outside of the map is 0.
func placeSampled(bins []taps, start, extent float32, samples, length int) {
	size, last := extent/float32(len(bins)), float32(length-1)
	part := 1 / float32(samples)
	for i := range bins {
		for s := range samples {
			at := start + float32(float32(i)*size) + float32((float32(s)+0.5)*size)/float32(samples)
			if !(at >= -1 && at <= float32(length)) {
				continue
			}
			at = max(at, 0)
			low := min(floor(at), last)
			high := min(low+1, last)
			if low == last {
				at = last
			}
			bins[i].add(int32(low), part*(1-(at-low)))
			bins[i].add(int32(high), part*(at-low))
		}
	}
}

func floor(v float32) float32 { return float32(math.Floor(float64(v))) }

// scales are the levels of the maps and the sizes of a map pixel.
type scales struct {
	min, max int
	of       [16]float32 // map pixels in an input pixel, per level from min
}

// scales fills s. The maps of level l have 1/2^l of the input's pixels along an axis. torchvision guesses that from the height of the first map and
// of the photo (ops/poolers.py, _infer_scale), which goes wrong for flat photos that are mostly padding; so does the level rule then.
func (a *Aligner) scales(s *scales, maps []Map, photo box.Size) {
	s.min, s.max = a.c.MinLevel, a.c.MinLevel+len(maps)-1
	for i := range maps {
		level := s.min + i
		if a.c.LevelRule == config.LevelRuleTorchvision {
			level = -int(math.RoundToEven(portable.Log2(float64(maps[i].Height) / float64(photo.Height))))
			if i == 0 {
				s.min = level
			}
			s.max = s.min + len(maps) - 1
		}
		s.of[i] = float32(math.Ldexp(1, -level))
	}
}

// level is the level that a box is cut from.
func (a *Aligner) level(b box.Box, s *scales) int {
	size, canonical := float32(a.c.CanonicalSize), float32(a.c.CanonicalLevel)
	h, w := b.Y2-b.Y1, b.X2-b.X1
	var level float32
	switch a.c.LevelRule {
	case config.LevelRuleTF: // tpu: ops/spatial_transform_ops.py, multilevel_crop_and_resize; boxes without area are at log 0
		level = floor(log(sqrt(float32(h*w))/size)/float32(math.Ln2)) + canonical
	case config.LevelRuleTorchvision: // torchvision: ops/poolers.py, LevelMapper
		level = floor(canonical + log2(sqrt(float32(h*w))/size) + 1e-6)
	case config.LevelRuleMMDet1: // mmdetection 1.x: models/roi_extractors/single_level.py, map_roi_levels
		level = floor(log2(sqrt(float32((h+1)*(w+1)))/size+1e-6)) + canonical
	case config.LevelRuleDetectron2: // detectron2: modeling/poolers.py, assign_boxes_to_levels
		level = floor(canonical + log2(sqrt(float32(h*w))/size+1e-8))
	case config.LevelRuleMMDet2: // mmdetection: models/roi_heads/roi_extractors/single_level_roi_extractor.py, map_roi_levels
		level = floor(log2(sqrt(float32(h*w))/size+1e-6)) + canonical
	}
	if !(level > float32(s.min)) { // also for −∞ and NaN
		return s.min
	}
	return int(min(level, float32(s.max)))
}

func sqrt(v float32) float32 { return float32(math.Sqrt(float64(v))) }
func log(v float32) float32  { return float32(portable.Log(float64(v))) }
func log2(v float32) float32 { return float32(portable.Log2(float64(v))) }
