package box

import "slices"

// Rule says when a kept box suppresses a later one. The values are those of config.NMSRule.
type Rule string

const (
	GT        Rule = "gt"          // IoU > threshold
	GE        Rule = "ge"          // IoU ≥ threshold; boxes without a positive coordinate are never kept
	GETiled   Rule = "ge_tiled"    // as GE, but see judge
	PlusOneGT Rule = "plus_one_gt" // IoU > threshold, every side one longer
	OffsetGT  Rule = "offset_gt"   // as GT; the caller has moved the boxes with Offset
)

// tileSize is the number of boxes that the Garden's NMS handles at once (vision/ops/nms.py, NMS_TILE_SIZE).
const tileSize = 512

// NMS suppresses boxes; its memory is used again by the next call. The zero NMS is ready. Not safe for concurrent use.
type NMS struct {
	suppressors []suppressor
	heads       []int32 // per bin of rows: the last node, or −1
	nodes       []node
	kept        []int32

	rule         Rule
	greaterEqual bool
	threshold    float32
	one          float32
	top          float32 // of the first bin
	perPixel     float32 // bins in a pixel
}

// suppressor is a box that suppresses others.
type suppressor struct {
	Box
	area float32
	tile int32
	weak bool // suppressed itself, works only within its tile
}

type node struct{ suppressor, next int32 }

// Suppress goes through boxes, which are in order of falling score, and keeps each that no kept one suppresses, up to limit boxes. It returns
// the indices of the kept ones, valid until the next call.
func (n *NMS) Suppress(boxes []Box, rule Rule, threshold float32, limit int) []int32 {
	n.rule, n.greaterEqual, n.threshold, n.one = rule, rule == GE || rule == GETiled, threshold, 0
	if rule == PlusOneGT {
		n.one = 1
	}
	n.suppressors, n.nodes, n.kept = n.suppressors[:0], n.nodes[:0], n.kept[:0]
	n.layBins(boxes)
	for i, b := range boxes {
		if len(n.kept) >= limit {
			break
		}
		tile := int32(i / tileSize)
		verdict := n.judge(b, tile)
		if verdict == free && (!n.greaterEqual || b.Y1 > 0 || b.X1 > 0 || b.Y2 > 0 || b.X2 > 0) {
			n.kept = append(n.kept, int32(i))
		}
		if verdict != suppressed {
			n.add(suppressor{Box: b, area: n.area(b), tile: tile, weak: verdict == weak})
		}
	}
	return n.kept
}

type verdict int

const (
	free verdict = iota
	weak
	suppressed
)

// judge says whether b, the next box, is suppressed.
//
// GE is tf.image.non_max_suppression_padded (TF ≥ 2.3) and tpu's ops/nms.py. The Garden's copy of it, GETiled (vision/ops/nms.py, _self_suppression),
// asks "IoU > 0.5" within a tile whatever the threshold is: a box that is suppressed by no more than 0.5 is dropped, but still suppresses later boxes
// of its tile. Above a threshold of 0.5 the two are the same.
func (n *NMS) judge(b Box, tile int32) verdict {
	result := free
	area := n.area(b)
	first, last := n.bins(b)
	if n.threshold >= 0.5 {
		// Along each axis, intervals that share at least half of their union contain the centre of the other. One bin to either side covers rounding.
		centre := n.bin((b.Y1 + b.Y2 + n.one) / 2)
		first, last = max(first, centre-1), min(last, centre+1)
	}
	for bin := first; bin <= last; bin++ {
		for at := n.heads[bin]; at >= 0; at = n.nodes[at].next {
			s := &n.suppressors[n.nodes[at].suppressor]
			w := min(b.X2, s.X2) - max(b.X1, s.X1) + n.one
			if !(w > 0) {
				continue
			}
			h := min(b.Y2, s.Y2) - max(b.Y1, s.Y1) + n.one
			if !(h > 0) {
				continue
			}
			i := float32(h * w)
			switch {
			case !n.greaterEqual:
				if s.area > 0 && area > 0 && i/(s.area+area-i) > n.threshold {
					return suppressed
				}
			case s.weak && s.tile != tile:
			case n.rule == GETiled && s.tile == tile:
				if iou := i / (s.area + area - i + 1e-8); iou > 0.5 && iou >= n.threshold {
					return suppressed
				} else if iou >= n.threshold {
					result = weak
				}
			case i/(s.area+area-i+1e-8) >= n.threshold:
				return suppressed
			}
		}
	}
	return result
}

func (n *NMS) area(b Box) float32 {
	return float32((b.Y2 - b.Y1 + n.one) * (b.X2 - b.X1 + n.one))
}

// maxBins bounds the memory of the bins; more bins than this gain nothing for the few thousand boxes of an image.
const maxBins = 256

// layBins cuts the rows that the boxes lie in into bins as high as a box is on average. A suppressor is listed in every bin that it touches, so
// that a box need not be compared with all of them.
func (n *NMS) layBins(boxes []Box) {
	var top, bottom, sum float32
	for i, b := range boxes {
		if i == 0 {
			top, bottom = b.Y1, b.Y2
		}
		top, bottom = min(top, b.Y1), max(bottom, b.Y2)
		sum += b.Y2 - b.Y1
	}
	mean := sum / float32(max(1, len(boxes)))
	count := 1
	if bins := (bottom - top) / mean; bins >= 1 { // false for NaN
		count = int(min(bins, maxBins))
	}
	n.top, n.perPixel = top, 0
	if count > 1 {
		n.perPixel = float32(count) / (bottom - top)
	}
	n.heads = slices.Grow(n.heads[:0], count)[:count]
	for i := range n.heads {
		n.heads[i] = -1
	}
}

// bin is the bin of a row.
func (n *NMS) bin(y float32) int {
	at := (y - n.top) * n.perPixel
	if !(at > 0) {
		return 0
	}
	return int(min(at, float32(len(n.heads)-1)))
}

// bins is the range of bins that b touches.
func (n *NMS) bins(b Box) (first, last int) { return n.bin(b.Y1), n.bin(b.Y2 + n.one) }

func (n *NMS) add(s suppressor) {
	first, last := n.bins(s.Box)
	n.suppressors = append(n.suppressors, s)
	for bin := first; bin <= last; bin++ {
		n.nodes = append(n.nodes, node{suppressor: int32(len(n.suppressors) - 1), next: n.heads[bin]})
		n.heads[bin] = int32(len(n.nodes) - 1)
	}
}

// Offset moves boxes of different groups apart as torchvision.ops.batched_nms does: by (largest coordinate + 1)·group. This rounds coordinates,
// and so decides close calls of the NMS that follows.
func Offset(boxes []Box, group func(i int) int) {
	var far float32
	for i, b := range boxes {
		if i == 0 {
			far = b.Y1
		}
		far = max(far, b.Y1, b.X1, b.Y2, b.X2)
	}
	for i := range boxes {
		d := float32(group(i)) * (far + 1)
		b := &boxes[i]
		b.Y1, b.X1, b.Y2, b.X2 = b.Y1+d, b.X1+d, b.Y2+d, b.X2+d
	}
}
