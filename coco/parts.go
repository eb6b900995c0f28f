package coco

import (
	"bytes"
	"runtime"
	"sync"

	"github.com/spinemask/spinemask/internal/core/column"
)

// minPart is the least number of bytes that is worth a goroutine of its own.
const minPart = 128 << 10

// readList reads a list of annotations in parts that are read at the same time, and returns them in the order of the file,
// and the position behind the list. starts[0] is its opening bracket; where the other parts begin is a guess, ascending.
//
// A guess is right if the part before it, reading on from a place that is known to be right, arrives there exactly between
// two elements of the list. So the first part is right, and every part that a right part ran into; the others are thrown
// away.
func readList(starts []int, newReader func() *reader) (parts []*reader, next int, err *Error) {
	ends := make([]int, len(starts)) // the part that part k ran into, or len(starts)
	nexts := make([]int, len(starts))
	readers := make([]*reader, len(starts))
	var wg sync.WaitGroup
	for k := range starts {
		readers[k] = newReader()
		ends[k] = len(starts)
		wg.Go(func() {
			defer guard(&readers[k].err)()
			ends[k], nexts[k] = readers[k].list(starts, k)
		})
	}
	wg.Wait()
	total := 0
	for k := 0; k < len(starts); k = ends[k] {
		r := readers[k]
		if r.err != nil {
			if r.err.Array != "" {
				r.err.Index += total
			}
			return nil, bad, r.err
		}
		total += r.out.Len()
		parts, next = append(parts, r), nexts[k]
	}
	return parts, next, nil
}

// guess returns p, where a list begins, and places behind it, ascending, that look like the begin of one of its elements.
func guess(b []byte, p int) (starts []int) {
	n := min(partsPerCPU*runtime.GOMAXPROCS(0), (len(b)-p)/minPart)
	starts = []int{p}
	for k := 1; k < n; k++ {
		q := p + (len(b)-p)/n*k
		if q <= starts[len(starts)-1] {
			continue
		}
		if q = betweenObjects(b, q); q > 0 {
			starts = append(starts, q)
		}
	}
	return starts
}

// partsPerCPU makes more parts than processors, so that one that is slow or busy does not hold up the rest for long.
const partsPerCPU = 2

// betweenObjects finds "}", a comma and "{" with a name behind it, and returns the position of the "{", or a negative one.
func betweenObjects(b []byte, p int) int {
	s := scanner{b: b}
	for {
		i := bytes.IndexByte(b[p:], '}')
		if i < 0 {
			return bad
		}
		p += i + 1
		if q := s.space(p); s.at(q) == ',' {
			if q = s.space(q + 1); s.at(q) == '{' && s.at(s.space(q+1)) == '"' {
				return q
			}
		}
	}
}

// list reads elements from starts[k] on; starts[0] is the opening bracket of the list. It stops where it arrives at the
// start of another part, of which it returns the index, or behind the list or at an error.
func (r *reader) list(starts []int, k int) (end, next int) {
	p, first := starts[k], k == 0
	if first {
		if r.at(p) != '[' {
			return len(starts), r.wrong(p, p, "a list")
		}
		p++
	}
	begin := p
	k++
	for n := 0; ; n++ {
		if n > 0 || first {
			var done bool
			if p, done = r.element(p, n == 0, ']'); done || p < 0 {
				return len(starts), p
			}
			for k < len(starts) && starts[k] < p {
				k++
			}
			if k < len(starts) && starts[k] == p {
				return k, p
			}
		}
		if p = r.entry(p); p < 0 {
			return len(starts), bad
		}
		if n == 63 {
			end := len(r.b)
			if k < len(starts) {
				end = starts[k]
			}
			r.out.reserve((end - begin) / ((p - begin) / (n + 1)) * 17 / 16)
		}
	}
}

// reserve makes room for n entries in the columns that are in use.
func (a *Annotations) reserve(n int) {
	grow(&a.ID, n)
	grow(&a.ImageID, n)
	grow(&a.CategoryID, n)
	grow(&a.Score, n)
	grow(&a.Box, n)
	grow(&a.Area, n)
	grow(&a.Has, n)
	grow(&a.Mask, n)
	grow(&a.Keypoints, n)
	grow(&a.Visible, n)
	grow(&a.Offset, n)
}

func grow[T any](c *[]T, n int) {
	if *c != nil {
		*c = column.Grow(*c, n)
	}
}

// join puts the columns of the parts one behind the other.
func join(parts []*reader) Annotations {
	if len(parts) == 1 {
		return parts[0].out
	}
	var a Annotations
	masks, keypoints := false, false
	for _, r := range parts {
		masks, keypoints = masks || r.out.Mask != nil, keypoints || r.out.Keypoints != nil
	}
	for _, r := range parts {
		o := &r.out
		if masks && o.Mask == nil {
			o.Mask = make([]Mask, o.Len())
		}
		if keypoints && o.Keypoints == nil {
			o.Keypoints, o.Visible = make([][]float64, o.Len()), make([]int32, o.Len())
		}
		for i := range o.Mask {
			switch m := &o.Mask[i]; m.Kind {
			case PolygonMask:
				m.index += int64(len(a.polygons))
			case ListMask:
				m.index += int64(len(a.runs))
			}
		}
		a.polygons = append(a.polygons, o.polygons...)
		a.runs = append(a.runs, o.runs...)
	}
	var wg sync.WaitGroup
	concat(&wg, parts, &a.ID, func(o *Annotations) []int64 { return o.ID })
	concat(&wg, parts, &a.ImageID, func(o *Annotations) []int64 { return o.ImageID })
	concat(&wg, parts, &a.CategoryID, func(o *Annotations) []int64 { return o.CategoryID })
	concat(&wg, parts, &a.Score, func(o *Annotations) []float64 { return o.Score })
	concat(&wg, parts, &a.Box, func(o *Annotations) [][4]float64 { return o.Box })
	concat(&wg, parts, &a.Area, func(o *Annotations) []float64 { return o.Area })
	concat(&wg, parts, &a.Has, func(o *Annotations) []Has { return o.Has })
	concat(&wg, parts, &a.Mask, func(o *Annotations) []Mask { return o.Mask })
	concat(&wg, parts, &a.Keypoints, func(o *Annotations) [][]float64 { return o.Keypoints })
	concat(&wg, parts, &a.Visible, func(o *Annotations) []int32 { return o.Visible })
	concat(&wg, parts, &a.Offset, func(o *Annotations) []int64 { return o.Offset })
	wg.Wait()
	return a
}

// concat sets dst to the columns of the parts, one behind the other, in a goroutine of its own.
func concat[T any](wg *sync.WaitGroup, parts []*reader, dst *[]T, of func(*Annotations) []T) {
	wg.Go(func() {
		n := 0
		for _, r := range parts {
			n += len(of(&r.out))
		}
		if n == 0 {
			return
		}
		all := column.Make[T](n)
		for _, r := range parts {
			all = append(all, of(&r.out)...)
		}
		*dst = all
	})
}
