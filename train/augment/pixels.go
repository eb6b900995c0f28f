package augment

import "math"

// Normalize is the way from grey levels to the network's numbers:
// (p/255 − Mean)/Std for red, green, blue.
type Normalize struct{ Mean, Std [3]float64 }

// Fill writes the view of a picture into the network's input, row by row: row(y)
// gives 3·Width floats. The picture is normalised and then resized bilinearly, pixels
// lying at half (tf.image.resize, no antialiasing); what is beyond it is zero.
func (v *View) Fill(p *Picture, n Normalize, row func(y int) []float32) {
	var levels [3][256]float32
	for c := range levels {
		for i := range levels[c] {
			levels[c][i] = (float32(i)/255 - float32(n.Mean[c])) / float32(n.Std[c])
		}
	}
	columns := halfPixel(v.ScaledWidth, p.Width)
	rows := halfPixel(v.ScaledHeight, p.Height)
	for y := range v.Height {
		to := row(y)
		clear(to)
		sy := y + v.OffsetY
		if sy >= v.ScaledHeight {
			continue
		}
		r := rows[sy]
		top, bottom := p.Pix[3*r.low*p.Width:][:3*p.Width], p.Pix[3*r.high*p.Width:][:3*p.Width]
		for x := 0; x < v.Width && x+v.OffsetX < v.ScaledWidth; x++ {
			s := columns[x+v.OffsetX]
			for c := range 3 {
				l := &levels[c]
				t0, t1 := l[top[3*s.low+c]], l[top[3*s.high+c]]
				b0, b1 := l[bottom[3*s.low+c]], l[bottom[3*s.high+c]]
				t := t0 + float32((t1-t0)*s.f)
				b := b0 + float32((b1-b0)*s.f)
				to[3*x+c] = t + float32((b-t)*r.f)
			}
		}
	}
}

// halfPixel gives the two source pixels of each of n pixels that m are resized to.
func halfPixel(n, m int) []sample {
	list := make([]sample, n)
	ratio := float32(m) / float32(n)
	for i := range list {
		at := float32((float32(i)+0.5)*ratio) - 0.5
		low := float32(math.Floor(float64(at)))
		list[i] = sample{low: max(int(low), 0), high: min(int(low)+1, m-1), f: at - low}
		list[i].low = min(list[i].low, m-1)
		list[i].high = max(list[i].high, 0)
	}
	return list
}
