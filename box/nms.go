package box

import "slices"

// Rule says when a kept box suppresses a later one. The values are those of config.NMSRule.
type Rule string

const (
	GT        Rule = "gt"          // IoU > threshold
	GE        Rule = "ge"          // IoU ≥ threshold; boxes without a positive coordinate are never kept
	GETiled   Rule = "ge_tiled"    // as GE, but see judge
	PlusOneGT Rule = "plus_one_gt" // IoU > threshold, every side one longer
	OffsetGT  Rule = "offset_gt"   // as GT, with the caller's Offset

	OffsetAllGT Rule = "offset_all_gt" // the same; the caller has an Offset for any number of boxes
)

// tileSize is the number of boxes that the Garden's NMS handles at once (vision/ops/nms.py, NMS_TILE_SIZE).
const tileSize = 512

// NMS suppresses boxes; its memory is used again by the next call. The zero NMS is ready. Not safe for concurrent use.
type NMS struct {
	Offset float32 // added to all coordinates first, see OffsetLimit

	suppressors []suppressor
	cells       []int32 // rows × columns: the last node of a cell, or −1
	nodes       []node
	kept        []int32

	rule          Rule
	greaterEqual  bool
	threshold     float32
	one           float32
	rows, columns axis
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
	n.layCells(boxes)
	for i, b := range boxes {
		if len(n.kept) >= limit {
			break
		}
		if n.Offset != 0 {
			b = Box{b.Y1 + n.Offset, b.X1 + n.Offset, b.Y2 + n.Offset, b.X2 + n.Offset}
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
	top, left, bottom, right := n.rows.cell(b.Y1), n.columns.cell(b.X1), n.rows.cell(b.Y2+n.one), n.columns.cell(b.X2+n.one)
	if n.threshold >= 0.5 {
		// Along each axis, intervals that share at least half of their union contain the centre of the other (add widens for rounding).
		top, left = n.rows.cell(float32((b.Y1+b.Y2+n.one)/2)), n.columns.cell(float32((b.X1+b.X2+n.one)/2))
		bottom, right = top, left
	}
	for y := top; y <= bottom; y++ {
		for x := left; x <= right; x++ {
			switch n.judgeIn(n.cells[y*n.columns.count+x], b, area, tile) {
			case suppressed:
				return suppressed
			case weak:
				result = weak
			}
		}
	}
	return result
}

// judgeIn is judge among the suppressors of a cell, from node at on.
func (n *NMS) judgeIn(at int32, b Box, area float32, tile int32) verdict {
	result := free
	for ; at >= 0; at = n.nodes[at].next {
		s := &n.suppressors[n.nodes[at].suppressor]
		w := min(b.X2, s.X2) - max(b.X1, s.X1) + n.one
		h := min(b.Y2, s.Y2) - max(b.Y1, s.Y1) + n.one
		if !(w > 0 && h > 0) {
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
	return result
}

func (n *NMS) area(b Box) float32 {
	return float32((b.Y2 - b.Y1 + n.one) * (b.X2 - b.X1 + n.one))
}

// axis cuts one axis of the frame into cells.
type axis struct {
	low      float32 // where cell 0 begins
	perPixel float32 // cells in a pixel
	count    int
}

// maxCells bounds the cells along an axis; more gain nothing for the few thousand boxes of an image.
const maxCells = 64

// newAxis makes cells of half the mean length of n intervals in [low, high].
func newAxis(low, high, sum float32, n int) axis {
	a := axis{low: low, count: 1}
	if cells := 2 * (high - low) * float32(n) / sum; cells > 1 { // false for NaN
		a.count = int(min(cells, maxCells))
		a.perPixel = float32(a.count) / (high - low)
	}
	return a
}

// cell is the cell that v lies in, or the nearest.
func (a *axis) cell(v float32) int {
	at := float32((v - a.low) * a.perPixel)
	if !(at > 0) {
		return 0
	}
	return int(min(at, float32(a.count-1)))
}

// layCells cuts the frame into cells. A suppressor is listed in every cell that it touches, so that a box need not be compared with all of them.
func (n *NMS) layCells(boxes []Box) {
	var all Box
	var height, width float32
	for i, b := range boxes {
		if i == 0 {
			all = b
		}
		all = Box{min(all.Y1, b.Y1), min(all.X1, b.X1), max(all.Y2, b.Y2), max(all.X2, b.X2)}
		height += b.Y2 - b.Y1
		width += b.X2 - b.X1
	}
	n.rows = newAxis(all.Y1+n.Offset, all.Y2+n.Offset, height, len(boxes))
	n.columns = newAxis(all.X1+n.Offset, all.X2+n.Offset, width, len(boxes))
	count := n.rows.count * n.columns.count
	n.cells = slices.Grow(n.cells[:0], count)[:count]
	for i := range n.cells {
		n.cells[i] = -1
	}
}

// add lists a suppressor in the cells that it touches, and a little around.
func (n *NMS) add(s suppressor) {
	dy, dx := float32((s.Y2-s.Y1+n.one)/64), float32((s.X2-s.X1+n.one)/64)
	top, bottom := n.rows.cell(s.Y1-dy), n.rows.cell(s.Y2+n.one+dy)
	left, right := n.columns.cell(s.X1-dx), n.columns.cell(s.X2+n.one+dx)
	n.suppressors = append(n.suppressors, s)
	for y := top; y <= bottom; y++ {
		for x := left; x <= right; x++ {
			cell := y*n.columns.count + x
			n.nodes = append(n.nodes, node{suppressor: int32(len(n.suppressors) - 1), next: n.cells[cell]})
			n.cells[cell] = int32(len(n.nodes) - 1)
		}
	}
}

// OffsetLimit is the number of boxes up to which torchvision.ops.batched_nms moves boxes of different groups apart, by (largest coordinate + 1)·group,
// instead of handling group by group. Adding this rounds coordinates, and so decides close calls.
const OffsetLimit = 1000

// Farthest is the largest coordinate of boxes, and at least far.
func Farthest(boxes []Box, far float32) float32 {
	for _, b := range boxes {
		far = max(far, b.Y1, b.X1, b.Y2, b.X2)
	}
	return far
}
