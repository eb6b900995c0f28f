package overlay

import (
	"image"
	"slices"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// A Film draws the frames of a video, so that the eye can follow things: what overlaps with what was there before keeps its colour, and the brightness does not
// jump. It is no tracker: things that meet may swap their colours. The zero value is ready.
type Film struct {
	palette []lab // of the first frame
	gain    float64
	things  []thing
}

// A thing is what was seen lately.
type thing struct {
	box     image.Rectangle
	label   string
	colour  int
	missing int // frames since then
}

const (
	leastOverlap = 0.2 // IoU of the boxes of a thing in two frames
	patience     = 10  // frames that a thing may be missing
	gainSpeed    = 0.1 // part of a change in brightness that a frame takes over
)

// Draw gives a picture as the function [Draw] does. Frames come in their order.
func (f *Film) Draw(frame *imageio.Image, instances []Instance) (*image.RGBA, error) {
	if err := check(frame, instances); err != nil {
		return nil, err
	}
	gain := displayGain(frame)
	if f.palette == nil {
		f.palette, f.gain = palette(mean(frame)), gain
	}
	f.gain += gainSpeed * (gain - f.gain)
	sc := newScene(frame, instances)
	f.remember(sc, sc.paint(f.palette, f.recognise(sc)))
	return sc.draw(f.gain), nil
}

// recognise gives each instance the colour of the thing that it is, free if it is a new one. The best pairs come first.
func (f *Film) recognise(sc *scene) []int {
	type pair struct {
		instance, thing int
		overlap         float64
	}
	var pairs []pair
	for i, b := range sc.boxes {
		for k, t := range f.things {
			if o := overlap(b, t.box); o >= leastOverlap && t.label == sc.instances[i].Label {
				pairs = append(pairs, pair{i, k, o})
			}
		}
	}
	slices.SortStableFunc(pairs, func(p, q pair) int {
		switch {
		case p.overlap > q.overlap:
			return -1
		case p.overlap < q.overlap:
			return 1
		}
		return f.things[p.thing].missing - f.things[q.thing].missing
	})
	colours := slices.Repeat([]int{free}, len(sc.boxes))
	taken := make([]bool, len(f.things))
	for _, p := range pairs {
		if colours[p.instance] == free && !taken[p.thing] {
			colours[p.instance], taken[p.thing] = f.things[p.thing].colour, true
		}
	}
	for k := range f.things {
		f.things[k].missing++
		if taken[k] {
			f.things[k].missing = patience + 1 // it is remembered where it is now
		}
	}
	return colours
}

// remember keeps the things of a frame, and for a while those that are missing in it.
func (f *Film) remember(sc *scene, colours []int) {
	f.things = slices.DeleteFunc(f.things, func(t thing) bool { return t.missing > patience })
	for i, b := range sc.boxes {
		f.things = append(f.things, thing{box: b, label: sc.instances[i].Label, colour: colours[i]})
	}
}

// overlap is the IoU of two boxes.
func overlap(a, b image.Rectangle) float64 {
	area := func(r image.Rectangle) int { return r.Dx() * r.Dy() }
	both := area(a.Intersect(b))
	return float64(both) / float64(max(area(a)+area(b)-both, 1))
}
