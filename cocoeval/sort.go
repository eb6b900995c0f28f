package cocoeval

import (
	"cmp"
	"math"
	"slices"
)

// scored is a detection's place in a list and a key that orders by descending score.
type scored struct {
	key uint64
	at  int32
}

// scoreKey is small for high scores; 0 and -0 are equal, and NaN, of any kind, is the last.
func scoreKey(score float64) uint64 {
	if score != score {
		return math.MaxUint64
	}
	b := math.Float64bits(score + 0) // -0 + 0 is 0
	if b>>63 != 0 {
		return b // a negative number: the larger its bits, the smaller it is
	}
	return ^b &^ (1 << 63)
}

// sortScores orders by key, equal keys in the order of their places, which must ascend. room is of the same length.
func sortScores(list, room []scored) []scored {
	if len(list) < 256 {
		slices.SortFunc(list, func(a, b scored) int {
			if a.key != b.key {
				return cmp.Compare(a.key, b.key)
			}
			return int(a.at - b.at)
		})
		return list
	}
	// Radix sort, least byte first. Bytes that are the same in all keys are passed over: scores that were float32 have
	// three of them.
	var count [8][256]int32
	for i := range list {
		k := list[i].key
		for b := range count {
			count[b][byte(k>>(8*b))]++
		}
	}
	for b := range count {
		c := &count[b]
		if c[byte(list[0].key>>(8*b))] == int32(len(list)) {
			continue
		}
		at := int32(0)
		for v := range c {
			c[v], at = at, at+c[v]
		}
		for i := range list {
			v := byte(list[i].key >> (8 * b))
			room[c[v]] = list[i]
			c[v]++
		}
		list, room = room, list
	}
	return list
}
