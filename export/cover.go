package export

import "github.com/spinemask/spinemask/rle"

// A cover is a set of pixels of a picture, a bit for each in the order of run lengths.
type cover struct{ words []uint64 }

func newCover(im *Image) cover { return cover{make([]uint64, (im.Width*im.Height+63)/64)} }

// add adds the foreground of a mask, and counts the pixels that are new.
func (c cover) add(m rle.Mask) (added int) {
	at := 0
	for i, n := range m.Runs {
		if i%2 == 1 {
			for p := at; p < at+int(n); p++ {
				bit := uint64(1) << (p % 64)
				if c.words[p/64]&bit == 0 {
					c.words[p/64] |= bit
					added++
				}
			}
		}
		at += int(n)
	}
	return added
}

// without gives a mask less the pixels of the set.
func (c cover) without(m rle.Mask, build *rle.Builder) rle.Mask {
	build.Reset(m.H, m.W)
	at := 0
	for i, n := range m.Runs {
		end := at + int(n)
		if i%2 == 0 {
			build.Run(false, int(n))
		} else {
			for p := at; p < end; p++ {
				build.Run(c.words[p/64]>>(p%64)&1 == 0, 1)
			}
		}
		at = end
	}
	return build.Mask()
}

// covered is the number of pixels that belong to an instance, or to several.
func (p *Picture) covered() (sum int) {
	for _, n := range p.added() {
		sum += n
	}
	return sum
}

// added counts for each instance the pixels that none before it has.
func (p *Picture) added() []int {
	all, list := newCover(&p.Image), make([]int, len(p.Instances))
	for i := range p.Instances {
		list[i] = all.add(p.Instances[i].extent(p))
	}
	return list
}

// RemoveOverlap gives each pixel to one instance, the first of the list that has it: that of the best score. Instances that keep no pixel are dropped; the box of
// one that loses some becomes the bounds of what is left. Instances need masks.
func (p *Picture) RemoveOverlap() {
	taken := newCover(&p.Image)
	kept := p.Instances[:0]
	var build rle.Builder
	for _, in := range p.Instances {
		rest := taken.without(in.Mask, &build)
		if area := rest.Area(); area == 0 {
			continue
		} else if area < in.Mask.Area() {
			x, y, w, h := rest.Bounds()
			in.Mask, in.Box = rest, [4]float64{float64(x), float64(y), float64(w), float64(h)}
		}
		taken.add(in.Mask)
		kept = append(kept, in)
	}
	p.Instances = kept
}
