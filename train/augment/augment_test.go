package augment

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/rle"
)

var imagenet = Normalize{Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}}

type arguments struct {
	OutputSize [2]int     `json:"output_size"`
	Desired    [2]int     `json:"desired"`
	Range      [2]float64 `json:"aug_scale"`
	Most       int        `json:"max_num_instances"`
	MaskSize   int        `json:"mask_crop_size"`
	Draws      struct {
		Flip   float64 `json:"hflip"`
		Scale  *float64
		Offset []float64
	}
	Occupied [2]int
	Kept     int
	InputsOf string    `json:"inputs_of"`
	Scale    []float32 `json:"scale"`
	Offset   []float32 `json:"offset"`
	CropSize []int     `json:"crop_size"`
}

func (a *arguments) draws() Draws {
	if a.Draws.Scale == nil {
		return Draws{}
	}
	return Draws{*a.Draws.Scale, a.Draws.Offset[0], a.Draws.Offset[1]}
}

// The cases of the fixture: the Garden's parsers, with the numbers that they drew
// (tf-models-official 2.15.0).
func TestExamplesAreTheGardens(t *testing.T) {
	folder := testutil.Shared(t, "fixtures", "tf2_training")
	cases := testutil.Cases(t, folder, "data")
	for _, c := range cases {
		t.Run(c.Name+" "+c.Note, func(t *testing.T) {
			var a arguments
			require.NoError(t, json.Unmarshal(c.Args, &a))
			switch c.Op {
			case "maskrcnn_train_example", "retinanet_train_example":
				from := c
				for _, other := range cases {
					if other.Name == a.InputsOf {
						from = other
					}
				}
				checkExample(t, &c, &from, a)
			case "resize_and_crop_image":
				x := c.In(t, "image")
				v := Jitter(x.Shape[0], x.Shape[1], a.Desired[0], a.Desired[1], a.Range[0], a.Range[1], a.draws())
				requireInfo(t, &c, v)
			case "horizontal_flip_boxes":
				var objects []Object
				for _, b := range boxes(c.In(t, "boxes")) {
					objects = append(objects, Object{Box: b})
				}
				_, flipped := Flip(&Picture{Height: 1, Width: 1, Pix: make([]byte, 3)}, objects) // normalised boxes
				var got []float32
				for _, o := range flipped {
					got = append(got, o.Box.Y1, o.Box.X1, o.Box.Y2, o.Box.X2)
				}
				testutil.RequireClose(t, c.Out(t, "flipped").Data, got, 1e-6)
			case "resize_and_crop_boxes":
				v := View{Height: a.OutputSize[0], Width: a.OutputSize[1], ScaleY: a.Scale[0], ScaleX: a.Scale[1], OffsetY: int(a.Offset[0]), OffsetX: int(a.Offset[1])}
				var got []float32
				full := []int{}
				for i, b := range boxes(c.In(t, "boxes")) {
					b = v.Box(b)
					got = append(got, b.Y1, b.X1, b.Y2, b.X2)
					if !Empty(b) {
						full = append(full, i)
					}
				}
				testutil.RequireClose(t, c.Out(t, "boxes").Data, got, 1e-6)
				require.Equal(t, c.Out(t, "non_empty").Ints()[:len(full)], full)
			case "tf_crop_and_resize":
				x := c.In(t, "image")
				h, w, size := x.Shape[1], x.Shape[2], a.CropSize[0]
				for i, b := range boxes(c.In(t, "boxes")) {
					b.Y1, b.Y2, b.X1, b.X2 = b.Y1*float32(h), b.Y2*float32(h), b.X1*float32(w), b.X2*float32(w)
					image := x.Data[i*h*w:][:h*w]
					// Masks are bits and the image is none, but a crop is linear in the image: it is the sum
					// of the crops of the image's binary digits, as is the image, of low + span·0.…
					low, span := slices.Min(image), slices.Max(image)-slices.Min(image)
					got := make([]float32, size*size)
					crop := func(factor float64, bit func(v float32) byte) {
						p := Patch{Height: h, Width: w, Bits: make([]byte, h*w)}
						for k, v := range image {
							p.Bits[k] = bit(v)
						}
						plane := make([]float32, size*size)
						(&View{ScaleY: 1, ScaleX: 1}).CropMask(plane, size, &p, b, h, w)
						for k, v := range plane {
							got[k] += float32(factor * float64(v))
						}
					}
					crop(float64(low), func(float32) byte { return 1 })
					for digit := range 25 {
						crop(float64(span)*math.Exp2(-float64(digit)), func(v float32) byte {
							return byte(int(float64(v-low)/float64(span)*(1<<24)) >> (24 - digit) & 1)
						})
					}
					requireNear(t, c.Out(t, "crops").Data[i*size*size:][:size*size], got, 2e-5)
				}
			default:
				t.Fatal("unknown")
			}
		})
	}
}

func checkExample(t *testing.T, c, from *testutil.Case, a arguments) {
	pixels := from.In(t, "pixels")
	p := &Picture{Height: pixels.Shape[0], Width: pixels.Shape[1]}
	for _, v := range pixels.Data {
		p.Pix = append(p.Pix, byte(v))
	}
	packed := from.In(t, "masks_packed")
	var objects []Object
	for i, b := range boxes(from.In(t, "boxes_normalized")) {
		if from.In(t, "is_crowd").Data[i] != 0 {
			continue
		}
		bits := make([]byte, p.Height*p.Width)
		for y := range p.Height {
			for x := range p.Width {
				v := byte(packed.Data[(i*p.Height+y)*packed.Shape[2]+x/8])
				bits[y*p.Width+x] = v >> (7 - x%8) & 1
			}
		}
		h, w := float32(p.Height), float32(p.Width)
		objects = append(objects, Object{
			Class: from.In(t, "classes").Ints()[i],
			Box:   box.Box{Y1: b.Y1 * h, X1: b.X1 * w, Y2: b.Y2 * h, X2: b.X2 * w},
			Mask:  NewPatch(rle.FromBitmap(p.Height, p.Width, bits)),
		})
	}
	if a.Draws.Flip < 0.5 {
		p, objects = Flip(p, objects)
	}
	v := Jitter(p.Height, p.Width, a.OutputSize[0], a.OutputSize[1], a.Range[0], a.Range[1], a.draws())
	requireInfo(t, c, v)

	rows := make([][]float32, v.Height)
	v.Fill(p, imagenet, func(y int) []float32 {
		rows[y] = make([]float32, 3*v.Width)
		rows[y][0] = float32(math.NaN()) // everything is written
		return rows[y]
	})
	want := c.Out(t, "occupied_image")
	for y, row := range rows {
		for x, got := range row {
			w := float32(0)
			if y < a.Occupied[0] && x < 3*a.Occupied[1] {
				w = want.Data[y*3*a.Occupied[1]+x]
			}
			require.InDelta(t, w, got, 2e-5, "row %d, value %d", y, x)
		}
	}
	if c.Op != "maskrcnn_train_example" {
		return
	}
	kept := 0
	for _, o := range objects {
		b := v.Box(o.Box)
		if Empty(b) || kept == a.Most {
			continue
		}
		require.Equal(t, c.Out(t, "gt_classes").Ints()[kept], o.Class)
		w := boxes(c.Out(t, "gt_boxes"))[kept]
		requireNear(t, []float32{w.Y1, w.X1, w.Y2, w.X2}, []float32{b.Y1, b.X1, b.Y2, b.X2}, 1e-6*float64(max(v.Height, v.Width)))
		got := make([]float32, a.MaskSize*a.MaskSize)
		v.CropMask(got, a.MaskSize, &o.Mask, b, p.Height, p.Width)
		requireNear(t, c.Out(t, "gt_masks_valid").Data[kept*len(got):][:len(got)], got, 1e-4)
		kept++
	}
	require.Equal(t, a.Kept, kept)
}

// requireInfo compares with image_info: size, wanted size, scale, offset.
func requireInfo(t *testing.T, c *testutil.Case, v View) {
	info := c.Out(t, "image_info").Data
	require.Equal(t, info[2:], []float32{float32(v.Height), float32(v.Width), v.ScaleY, v.ScaleX, float32(v.OffsetY), float32(v.OffsetX)})
}

func boxes(x testutil.Tensor) (list []box.Box) {
	for d := range slices.Chunk(x.Data, 4) {
		list = append(list, box.Box{Y1: d[0], X1: d[1], Y2: d[2], X2: d[3]})
	}
	return list
}

func requireNear(t *testing.T, want, got []float32, tolerance float64) {
	t.Helper()
	for i := range want {
		require.InDelta(t, want[i], got[i], tolerance, "element %d", i)
	}
}

// Eight turns of a picture with a mask of an odd shape: the mask's pixels stay the
// picture's, and four turns by 90 degrees give the picture again.
func TestTurnsMoveMasksWithPixels(t *testing.T) {
	p := &Picture{Height: 5, Width: 7, Pix: make([]byte, 3*5*7)}
	bits := make([]byte, 35)
	for i, at := range []int{8, 9, 13, 14, 18, 23, 28} {
		bits[at] = 1
		x, y := at%7, at/7
		p.Pix[3*(y*7+x)] = byte(100 + i) // red where the mask is
	}
	mask := NewPatch(rle.FromBitmap(5, 7, bits))
	objects := []Object{{Class: 1, Box: box.Box{Y1: 0, X1: 1, Y2: 5, X2: 6}, Mask: mask}}
	q, turned := p, objects
	for range 4 {
		q, turned = Transpose(q, turned)
		for range 2 {
			q, turned = Flip(q, turned)
			inside := 0
			for y := range q.Height {
				for x := range q.Width {
					red := q.Pix[3*(y*q.Width+x)] > 0
					require.Equal(t, red, turned[0].Mask.at(y, x) == 1)
					b := turned[0].Box
					if red && float32(y) >= b.Y1 && float32(y) < b.Y2 && float32(x) >= b.X1 && float32(x) < b.X2 {
						inside++
					}
				}
			}
			require.Equal(t, 4, inside, "mask pixels in the box")
		}
		q, turned = Flip(q, turned) // with Transpose a turn by 90 degrees
	}
	require.Equal(t, p, q)
	require.Equal(t, objects, turned)
}

// A mask across the border of the view is cut with its box; beyond the picture there is
// nothing.
func TestMaskAtTheBorder(t *testing.T) {
	full := NewPatch(rle.FromBitmap(4, 4, []byte{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}))
	v := Jitter(4, 4, 8, 8, 1, 1, Draws{})
	b := v.Box(box.Box{Y1: 1, X1: -2, Y2: 3, X2: 9})
	require.Equal(t, box.Box{Y1: 2, X1: 0, Y2: 6, X2: 8}, b)
	got := make([]float32, 9)
	v.CropMask(got, 3, &full, b, 4, 4)
	require.Equal(t, []float32{1, 1, 1, 1, 1, 1, 1, 1, 1}, got)
	require.True(t, Empty(v.Box(box.Box{Y1: 5, X1: 1, Y2: 7, X2: 3})))
}

// An object fills its own box, and the same part of another box, wherever it is in the picture: CropMask's values depend on
// the place.
func TestMasksOfCellsLieWhereTheObjectIs(t *testing.T) {
	const height, width, side = 40, 60, 20
	for _, at := range [][2]int{{0, 0}, {3, 7}, {17, 40}, {height - 10, width - 10}} {
		p := Patch{Top: at[0], Left: at[1], Height: 10, Width: 10, Bits: bytes.Repeat([]byte{1}, 100)}
		v := Jitter(height, width, 2*height, 2*width, 1, 1, Draws{})
		own := box.Box{Y1: float32(at[0]), X1: float32(at[1]), Y2: float32(at[0] + 10), X2: float32(at[1] + 10)}
		got := make([]float32, side*side)
		v.CellMask(got, side, &p, v.Box(own), height, width)
		require.Equal(t, float32(1), slices.Min(got[side+1:][:side-2]), "inside of %v", at)
		// The box that has the object in its lower right quarter: half a pixel of the picture, a cell here, is between 0 and 1 on either side.
		if at[0] >= 10 && at[1] >= 10 && at[0] < height-10 {
			wide := box.Box{Y1: own.Y1 - 10, X1: own.X1 - 10, Y2: own.Y2, X2: own.X2}
			v.CellMask(got, side, &p, v.Box(wide), height, width)
			for y := range side {
				for x := range side {
					if want := min(max(float32(y)+0.5-9.5, 0), 1) * min(max(float32(x)+0.5-9.5, 0), 1); y < 19 && x < 19 {
						require.InDelta(t, want, got[y*side+x], 1e-5, "%v: %d %d", at, y, x)
					}
				}
			}
		}
	}
}
