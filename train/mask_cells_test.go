package train

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/maskhead"
	"github.com/spinemask/spinemask/rle"
	"github.com/spinemask/spinemask/train/target"
)

// What is learned of a small object in an enlarged picture, pasted as the model pastes what it finds, is the object, wherever it is
// and however a region lies about it. The Model Garden's targets give an object some part of a pixel beside.
func TestMasksOfCellsComeBack(t *testing.T) {
	const height, width, scale, size = 64, 64, 2.5, 28
	in := config.Input{Mean: [3]float64{0.5, 0.5, 0.5}, Std: [3]float64{1, 1, 1}}
	paster := maskhead.NewPaster(&config.Masks{Paste: config.PasteExact, Threshold: 0.5})
	mean, least := map[bool]float64{}, map[bool]float64{true: 1, false: 1}
	r := rand.New(rand.NewPCG(5, 6))
	const rounds = 200
	for range rounds {
		y, x, radius := 10+r.IntN(44), 10+r.IntN(44), 5+3*r.Float64()
		picture, objects := disc(height, width, y, x, radius)
		shift := func() float32 { return 4 * (r.Float32() - 0.5) }
		away := [4]float32{shift(), shift(), shift(), shift()}
		for _, cells := range []bool{false, true} {
			row := make([]float32, 3*int(scale*width))
			regions := RegionSampling{MaskCrop: 56, Cells: cells}
			seen := see(picture, objects, 0, &Augment{Scale: [2]float64{1, 1}}, &in, scale*height, scale*width, regions, 1, 0, 0, func(int) []float32 { return row })
			b := seen.boxes[0]
			region := box.Box{Y1: b.Y1 - 3 + away[0], X1: b.X1 - 3 + away[1], Y2: b.Y2 + 3 + away[2], X2: b.X2 + 3 + away[3]}
			crop, mask := target.CropMask, make([]float32, size*size)
			if cells {
				crop = target.CropCells
			}
			crop(mask, size, seen.masks, 56, b, region)
			back := box.Box{Y1: region.Y1 / scale, X1: region.X1 / scale, Y2: region.Y2 / scale, X2: region.X2 / scale}
			iou := rle.IoU(paster.Paste(mask, size, back, height, width), objectMask(objects[0].Mask.Top, objects[0].Mask.Left, objects[0].Mask.Height, objects[0].Mask.Width, objects[0].Mask.Bits, height, width), false)
			mean[cells] += iou / rounds
			least[cells] = min(least[cells], iou)
		}
	}
	t.Logf("IoU with the object: %.4f in the mean, %.4f at least; as the Model Garden %.4f, %.4f", mean[true], least[true], mean[false], least[false])
	require.Greater(t, least[true], 0.99)
	require.Less(t, mean[false], 0.995)
}

// objectMask puts a patch into a picture.
func objectMask(top, left, h, w int, bits []byte, height, width int) rle.Mask {
	all := make([]byte, height*width)
	for y := range h {
		copy(all[(top+y)*width+left:], bits[y*w:][:w])
	}
	return rle.FromBitmap(height, width, all)
}
