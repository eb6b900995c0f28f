package coco

// flag reads 0, 1, false or true; any other number is true.
func (r *reader) flag(p int) (bool, int) {
	switch r.at(p) {
	case 't':
		return true, r.word(p, "true")
	case 'f':
		return false, r.word(p, "false")
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
