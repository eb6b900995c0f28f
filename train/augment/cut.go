package augment

// Cut is the part of a picture from a row and a column on, height×width pixels that lie within
// it, with the objects of which something may be there: their boxes end where it ends.
func Cut(p *Picture, objects []Object, top, left, height, width int) (*Picture, []Object) {
	out := &Picture{Height: height, Width: width, Pix: make([]byte, 3*height*width)}
	for y := range height {
		copy(out.Pix[3*y*width:][:3*width], p.Pix[3*((top+y)*p.Width+left):])
	}
	dy, dx := float32(top), float32(left)
	var kept []Object
	for _, o := range objects {
		if o.Box.Y2 <= dy || o.Box.X2 <= dx || o.Box.Y1 >= dy+float32(height) || o.Box.X1 >= dx+float32(width) {
			continue
		}
		o.Box.Y1, o.Box.Y2 = clip(o.Box.Y1-dy, float32(height)), clip(o.Box.Y2-dy, float32(height))
		o.Box.X1, o.Box.X2 = clip(o.Box.X1-dx, float32(width)), clip(o.Box.X2-dx, float32(width))
		o.Mask.Top, o.Mask.Left = o.Mask.Top-top, o.Mask.Left-left
		kept = append(kept, o)
	}
	return out, kept
}
