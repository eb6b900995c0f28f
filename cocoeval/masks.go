package cocoeval

import (
	"fmt"
	"math"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/rle"
)

// masks is the IoU of masks, rleIou of maskApi.c, or the smaller of that and the IoU of their boundaries. Polygons become
// runs, and strings runs, only where boxes meet.
type masks struct {
	p *Params
	g *truth
	d *detections

	raster rle.Rasterizer
	truth  []shape // of the pair's annotations, or since begin of the image's
	one    shape   // of the current detection
	runs   []uint32

	begun bool
	first int32 // of truth, since begin
}

// shape is a mask with its measures. Its runs are made when somebody needs them.
type shape struct {
	data  *coco.Annotations
	entry int
	h, w  int // pixels

	polygons [][]float64 // the mask, where it is not one of run lengths
	box      [4]float64  // x0, y0, x1, y1: the polygons are inside
	drawn    bool        // summary is known

	summary      rle.Summary
	runs         []uint32 // nil: not made yet
	boundary     []uint32 // likewise
	boundaryArea uint64
}

func (o *masks) ious(dets []int32, from, to int32, out []float64) error {
	n := int(to - from)
	if !o.begun {
		o.list(from, to)
	}
	truth := o.truth[from-o.first:][:n]
	for i, d := range dets {
		s := &o.one
		*s = o.shape(o.d.Annotations, int(d), o.d.box[d], o.d.image[d])
		o.draw(s)
		for j := range truth {
			t := &truth[j]
			if !t.drawn && !t.mayMeet(s.summary) {
				continue
			}
			o.draw(t)
			if !s.summary.Overlaps(t.summary) {
				continue
			}
			iou, err := o.iou(s, t, int(d), from+int32(j))
			if err != nil {
				return err
			}
			out[i*n+j] = iou
		}
	}
	return nil
}

// list makes the shapes of annotations from … to-1 and forgets all others.
func (o *masks) list(from, to int32) {
	o.runs, o.truth, o.first = o.runs[:0], o.truth[:0], from
	for j := from; j < to; j++ {
		image := o.g.image[j]
		o.truth = append(o.truth, o.shape(&o.g.data.Annotations, int(o.g.entry[j]), o.g.data.Box[o.g.entry[j]], image))
	}
}

func (o *masks) begin(from, to int32) {
	o.begun = true
	o.list(from, to)
}

// others looks at runs only where boxes and areas allow an IoU of MinOverlap.
func (o *masks) others(d, k int32, out []float64) {
	s := &o.one
	*s = o.shape(o.d.Annotations, int(d), o.d.box[d], o.d.image[d])
	o.draw(s)
	for i := range o.truth {
		j, t := o.first+int32(i), &o.truth[i]
		out[i] = 0
		if o.g.category[j] == k || !t.drawn && !t.mayMeet(s.summary) {
			continue
		}
		o.draw(t)
		if s.summary.Overlaps(t.summary) && s.mayReach(t, o.g.flags[j]&crowd != 0, MinOverlap) {
			if iou, err := o.iou(s, t, int(d), j); err == nil { // what cannot be compared does not overlap
				out[i] = iou
			}
		}
	}
}

// mayReach reports whether a detection's IoU with an annotation could be least, by their boxes and areas.
func (s *shape) mayReach(t *shape, isCrowd bool, least float64) bool {
	if !s.summary.Regular || !t.summary.Regular {
		return true
	}
	a, b := &s.summary, &t.summary
	w := min(uint64(a.X)+uint64(a.W), uint64(b.X)+uint64(b.W)) - uint64(max(a.X, b.X))
	h := min(uint64(a.Y)+uint64(a.H), uint64(b.Y)+uint64(b.H)) - uint64(max(a.Y, b.Y))
	return !(rle.Ratio(min(w*h, uint64(a.Area), uint64(b.Area)), uint64(a.Area), uint64(b.Area), isCrowd) < least)
}

// shape returns the mask of an entry of a, whose box it is where it has no segmentation.
func (o *masks) shape(a *coco.Annotations, entry int, box [4]float64, image int32) shape {
	s := shape{data: a, entry: entry, h: o.g.images.height[image], w: o.g.images.width[image]}
	kind := coco.NoMask
	if entry < len(a.Mask) {
		kind = a.Mask[entry].Kind
	}
	switch kind {
	case coco.RunMask, coco.ListMask:
		m := &a.Mask[entry]
		s.h, s.w, s.summary, s.drawn = int(m.H), int(m.W), m.Summary(), true
		return s
	case coco.PolygonMask:
		s.polygons = a.Polygons(entry)
		if o.p.Mode == Corrected {
			s.polygons = proper(s.polygons)
		}
	case coco.EmptyMask:
	default:
		if a != &o.g.data.Annotations || a.Has[entry]&coco.HasBox != 0 {
			x1, y1, x2, y2 := box[0], box[1], box[0]+box[2], box[1]+box[3]
			s.polygons = [][]float64{{x1, y1, x1, y2, x2, y2, x2, y1}}
		}
	}
	s.box = [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, xy := range s.polygons {
		for k := 0; k+1 < len(xy); k += 2 {
			s.box[0], s.box[2] = min(s.box[0], xy[k]), max(s.box[2], xy[k])
			s.box[1], s.box[3] = min(s.box[1], xy[k+1]), max(s.box[3], xy[k+1])
		}
	}
	return s
}

// mayMeet reports whether polygons that were not rasterised could share a pixel with a mask. A polygon's pixels lie within
// one pixel of its corners.
func (s *shape) mayMeet(m rle.Summary) bool {
	x, y := float64(m.X), float64(m.Y)
	return s.box[0]-1 <= x+float64(m.W) && x <= s.box[2]+1 && s.box[1]-1 <= y+float64(m.H) && y <= s.box[3]+1
}

// draw rasterises polygons.
func (o *masks) draw(s *shape) {
	if s.drawn {
		return
	}
	start := len(o.runs)
	o.runs = o.raster.AppendPolygons(o.runs, s.polygons, s.h, s.w)
	s.runs = o.runs[start:len(o.runs):len(o.runs)]
	s.summary, s.drawn = rle.Mask{H: s.h, W: s.w, Runs: s.runs}.Summary(), true
}

// mask returns the mask with its runs.
func (o *masks) mask(s *shape) rle.Mask {
	if s.runs == nil {
		start := len(o.runs)
		o.runs = s.data.AppendRuns(o.runs, s.entry)
		s.runs = o.runs[start:len(o.runs):len(o.runs)]
	}
	return rle.Mask{H: s.h, W: s.w, Runs: s.runs}
}

// iou measures detection d, shape s, against annotation j, shape t, whose boxes overlap.
func (o *masks) iou(s, t *shape, d int, j int32) (float64, error) {
	if s.h != t.h || s.w != t.w {
		return -1, nil
	}
	isCrowd := o.g.flags[j]&crowd != 0
	a, b := o.mask(s), o.mask(t)
	if !s.summary.Regular || !t.summary.Regular {
		iou := rle.IoU(a, b, isCrowd)
		if math.IsNaN(iou) {
			return 0, o.d.fail(d, "segmentation", fmt.Sprintf("the runs sum to another number than those of annotation %s, which pycocotools compares without end", annotationName(o.g.data, int(o.g.entry[j]))))
		}
		return iou, nil
	}
	iou := rle.Ratio(rle.IntersectionArea(a.Runs, b.Runs), uint64(s.summary.Area), uint64(t.summary.Area), isCrowd)
	if o.p.IoU == Boundary && !isCrowd && iou > 0 {
		o.bound(s)
		o.bound(t)
		iou = min(iou, rle.Ratio(rle.IntersectionArea(s.boundary, t.boundary), s.boundaryArea, t.boundaryArea, false))
	}
	return iou, nil
}

// bound makes the boundary of a mask whose runs are made.
func (o *masks) bound(s *shape) {
	if s.boundary == nil {
		b := rle.Mask{H: s.h, W: s.w, Runs: s.runs}.Boundary(rle.BoundaryDilation(s.h, s.w))
		s.boundary, s.boundaryArea = b.Runs, b.Area()
	}
}
