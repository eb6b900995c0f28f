package coco

import (
	"slices"
	"sync"
)

// annotationID reads an id that may be written as a string of digits, which the reference takes as the number.
func (r *reader) annotationID(p int) (int64, int) {
	if r.at(p) != '"' {
		return r.int(p)
	}
	raw, _, next := r.rawString(p)
	if next < 0 {
		return 0, bad
	}
	inner := scanner{b: raw}
	if v, q := inner.int(0); q == len(raw) {
		return v, next
	}
	return 0, r.wrong(p, p, "an integer")
}

// flag reads 0, 1, false or true; any other number is true, null is false.
func (r *reader) flag(p int) (bool, int) {
	switch r.at(p) {
	case 't':
		return true, r.word(p, "true")
	case 'f':
		return false, r.word(p, "false")
	case 'n':
		return false, r.word(p, "null")
	}
	v, p := r.float(p)
	return v != 0, p
}

// box reads a bbox. An empty one and null are told by the flags.
func (r *reader) box(p int) (box [4]float64, has Has, next int) {
	if r.isNull(p) {
		return box, NullBox, p + len("null")
	}
	if r.at(p) != '[' {
		return box, 0, r.wrong(p, p, "4 numbers")
	}
	if next := r.quickBox(p+1, &box); next >= 0 {
		return box, HasBox, next
	}
	start := p
	p++
	n := 0
	for ; ; n++ {
		var done bool
		if p, done = r.element(p, n == 0, ']'); done || p < 0 {
			break
		}
		var v float64
		if v, p = r.float(p); p < 0 {
			break
		}
		if n < 4 {
			box[n] = v
		}
	}
	switch {
	case p < 0:
		return box, 0, bad
	case n == 0:
		return box, EmptyBox, p
	case n != 4:
		return box, 0, r.fail(start, "%d numbers, want 4", n)
	}
	return box, HasBox, p
}

// quickBox reads four usual numbers with usual separators and the bracket behind them; it gives up, with a negative
// position and no error, at anything else.
func (r *reader) quickBox(p int, box *[4]float64) int {
	for n := range box {
		f, next, ok := quickFloat(r.b, p)
		if !ok {
			return bad
		}
		box[n] = f
		if p = next; n < 3 {
			if p, ok = r.comma(p); !ok {
				return bad
			}
		}
	}
	if r.at(p) != ']' {
		return bad
	}
	return p + 1
}

// numbers reads a list of numbers into a slice of its own.
func (r *reader) numbers(p int) ([]float64, int) {
	if r.at(p) != '[' {
		return nil, r.wrong(p, p, "a list of numbers")
	}
	if cap(r.coords)-len(r.coords) < 256 {
		r.coords = make([]float64, 0, 1<<14)
	}
	start := len(r.coords)
	p++
	for first := true; ; first = false {
		var done bool
		if p, done = r.element(p, first, ']'); done || p < 0 {
			break
		}
		for {
			f, next, ok := quickFloat(r.b, p)
			if !ok {
				break
			}
			after, ok := r.comma(next)
			if !ok {
				break
			}
			r.coords, p = append(r.coords, f), after
		}
		var v float64
		if v, p = r.float(r.space(p)); p < 0 {
			break
		}
		r.coords = append(r.coords, v)
	}
	return r.coords[start:len(r.coords):len(r.coords)], p
}

// categoryID reads a category id. Every file has either numbers or strings.
func (r *reader) categoryID(p int) (int64, int) {
	if r.at(p) != '"' {
		return r.int(p)
	}
	text, next := r.text(p)
	if next < 0 {
		return 0, bad
	}
	r.namedCategories++
	return r.categories.id(string(text)), next
}

// names numbers the ids of a file whose ids are strings. Its zero value is ready for use by several readers.
type names struct {
	sync.Mutex
	index map[string]int64
	list  []string
}

// imageID reads an image id. Every file has either numbers or strings.
func (r *reader) imageID(p int) (int64, int) {
	if r.at(p) != '"' {
		return r.int(p)
	}
	text, next := r.text(p)
	if next < 0 {
		return 0, bad
	}
	r.named++
	return r.names.id(string(text)), next
}

// id returns the number of a name.
func (n *names) id(name string) int64 {
	n.Lock()
	defer n.Unlock()
	if i, ok := n.index[name]; ok {
		return i
	}
	if n.index == nil {
		n.index = make(map[string]int64)
	}
	i := int64(len(n.list))
	n.index[name] = i
	n.list = append(n.list, name)
	return i
}

// sort puts the names in ascending order, as numpy does. It returns the new numbers of the old ones, or nil if there are none.
func (n *names) sort() (number []int64) {
	if len(n.list) == 0 {
		return nil
	}
	list := slices.Sorted(slices.Values(n.list))
	number = make([]int64, len(list))
	for i, name := range list {
		number[n.index[name]] = int64(i)
	}
	n.list = list
	return number
}

// nameCategories renumbers the categories of all entries by their sorted names.
func (a *Annotations) nameCategories(n *names) (number []int64) {
	number = n.sort()
	if number != nil {
		a.CategoryNames = n.list
		for i, id := range a.CategoryID {
			a.CategoryID[i] = number[id]
		}
	}
	return number
}
