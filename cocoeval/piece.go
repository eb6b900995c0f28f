package cocoeval

import (
	"cmp"
	"slices"
)

// A piece is what matching leaves for accumulation, of one category: its images in ascending order, each with the
// detections that count there, by descending score. A detection is its score and two kinds of flags: the area ranges that
// it is outside of, and, if it was given an annotation anywhere, the thresholds at which it was.
type piece struct {
	category int32
	pairs    []pairHead
	score    []float64
	out      []uint32 // bits: area ranges
	match    []int32  // index into flags, in units of the flags of one detection, or -1
	flags    []uint64 // per area range and word of thresholds: where the detection is right, and where it is ignored
	units    int      // detections in flags
}

// pairHead is an image and its number of detections.
type pairHead struct{ image, n int32 }

// add begins an image of n detections.
func (c *piece) add(image int32, n int) {
	if n > 0 {
		c.pairs = append(c.pairs, pairHead{image, int32(n)})
	}
}

// push appends a detection.
func (c *piece) push(score float64, out uint32) {
	c.score, c.out, c.match = append(c.score, score), append(c.out, out), append(c.match, -1)
}

// flagsOf returns the flags of detection i, which are n pairs of words.
func (c *piece) flagsOf(i, n int) []uint64 {
	u := int(c.match[i])
	if u < 0 {
		u = c.units
		c.match[i] = int32(u)
		c.units++
		c.flags = append(c.flags, make([]uint64, 2*n)...)
	}
	return c.flags[u*2*n : (u+1)*2*n]
}

// status tells whether detection i is right or ignored in area range a of areas, at threshold t.
func (c *piece) status(i, a, t, areas, words int) (right, ignored bool) {
	if u := int(c.match[i]); u >= 0 {
		f := c.flags[((u*areas+a)*words+t>>6)*2:]
		if right, ignored = f[0]>>(t&63)&1 != 0, f[1]>>(t&63)&1 != 0; right || ignored {
			return right, ignored
		}
	}
	return false, c.out[i]>>a&1 != 0
}

// sortPairs orders images.
func sortPairs(pairs []pairHead) {
	slices.SortFunc(pairs, func(a, b pairHead) int { return cmp.Compare(a.image, b.image) })
}
