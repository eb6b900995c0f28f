package augment

import "github.com/spinemask/spinemask/box"

// Flip mirrors a picture and its objects from left to right.
func Flip(p *Picture, objects []Object) (*Picture, []Object) {
	out := &Picture{Height: p.Height, Width: p.Width, Pix: make([]byte, len(p.Pix))}
	for y := range p.Height {
		from, to := p.Pix[3*y*p.Width:][:3*p.Width], out.Pix[3*y*p.Width:][:3*p.Width]
		for x := range p.Width {
			copy(to[3*x:3*x+3], from[3*(p.Width-1-x):])
		}
	}
	turned := make([]Object, len(objects))
	w := float32(p.Width)
	for i, o := range objects {
		turned[i] = Object{o.Class, box.Box{Y1: o.Box.Y1, X1: w - o.Box.X2, Y2: o.Box.Y2, X2: w - o.Box.X1}, o.Mask.flip(p.Width)}
	}
	return out, turned
}

func (p *Patch) flip(width int) Patch {
	out := Patch{Top: p.Top, Left: width - p.Left - p.Width, Height: p.Height, Width: p.Width, Bits: make([]byte, len(p.Bits))}
	for y := range p.Height {
		for x := range p.Width {
			out.Bits[y*p.Width+x] = p.Bits[y*p.Width+p.Width-1-x]
		}
	}
	return out
}

// Transpose mirrors a picture and its objects along the diagonal from the upper left
// corner. With Flip it makes all turns by 90 degrees.
func Transpose(p *Picture, objects []Object) (*Picture, []Object) {
	out := &Picture{Height: p.Width, Width: p.Height, Pix: make([]byte, len(p.Pix))}
	for y := range p.Height {
		for x := range p.Width {
			copy(out.Pix[3*(x*p.Height+y):][:3], p.Pix[3*(y*p.Width+x):])
		}
	}
	turned := make([]Object, len(objects))
	for i, o := range objects {
		turned[i] = Object{o.Class, box.Box{Y1: o.Box.X1, X1: o.Box.Y1, Y2: o.Box.X2, X2: o.Box.Y2}, o.Mask.transpose()}
	}
	return out, turned
}

func (p *Patch) transpose() Patch {
	out := Patch{Top: p.Left, Left: p.Top, Height: p.Width, Width: p.Height, Bits: make([]byte, len(p.Bits))}
	for y := range p.Height {
		for x := range p.Width {
			out.Bits[x*p.Height+y] = p.Bits[y*p.Width+x]
		}
	}
	return out
}

// FlipVertical mirrors a picture and its objects from top to bottom.
func FlipVertical(p *Picture, objects []Object) (*Picture, []Object) {
	out := &Picture{Height: p.Height, Width: p.Width, Pix: make([]byte, len(p.Pix))}
	for y := range p.Height {
		copy(out.Pix[3*y*p.Width:][:3*p.Width], p.Pix[3*(p.Height-1-y)*p.Width:])
	}
	turned := make([]Object, len(objects))
	h := float32(p.Height)
	for i, o := range objects {
		turned[i] = Object{o.Class, box.Box{Y1: h - o.Box.Y2, X1: o.Box.X1, Y2: h - o.Box.Y1, X2: o.Box.X2}, o.Mask.flipVertical(p.Height)}
	}
	return out, turned
}

func (p *Patch) flipVertical(height int) Patch {
	out := Patch{Top: height - p.Top - p.Height, Left: p.Left, Height: p.Height, Width: p.Width, Bits: make([]byte, len(p.Bits))}
	for y := range p.Height {
		copy(out.Bits[y*p.Width:(y+1)*p.Width], p.Bits[(p.Height-1-y)*p.Width:])
	}
	return out
}
