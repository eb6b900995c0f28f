//go:build gocv

package video

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"time"

	"gocv.io/x/gocv"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// openCV is OpenCV's module videoio, through gocv.
func openCV() *Backend {
	return &Backend{
		Name: OpenCV, About: fmt.Sprintf("OpenCV %s (gocv %s)", gocv.OpenCVVersion(), gocv.Version()),
		open: openCapture, create: createWriter,
	}
}

// capture reads with OpenCV, which gives frames one by one as they come, upright, in BGR.
type capture struct {
	ctx   context.Context
	cv    *gocv.VideoCapture
	live  bool
	info  Info
	mat   gocv.Mat // the next frame, if full
	full  bool
	count int
	first float64 // time of the first frame, ms
	last  float64 // of the frame before, since the first one, ms
}

func openCapture(ctx context.Context, s Source, _ func(string)) (Reader, error) {
	var cv *gocv.VideoCapture
	var err error
	if s.IsCamera {
		cv, err = gocv.OpenVideoCapture(s.Camera)
	} else {
		cv, err = gocv.VideoCaptureFileWithAPI(s.Place, gocv.VideoCaptureFFmpeg) // of the others, GStreamer alone reads files, and complains loudly of what is none
	}
	if err != nil {
		return nil, errors.New("OpenCV cannot read it")
	}
	c := &capture{ctx: ctx, cv: cv, live: s.IsLive(), mat: gocv.NewMat()}
	if c.full = cv.Read(&c.mat) && !c.mat.Empty(); !c.full {
		c.Close()
		return nil, errors.New("OpenCV finds no frame in it")
	}
	c.first = cv.Get(gocv.VideoCapturePosMsec)
	c.info = Info{Width: c.mat.Cols(), Height: c.mat.Rows(), Rate: plausible(cv.Get(gocv.VideoCaptureFPS))}
	if n := cv.Get(gocv.VideoCaptureFrameCount); n > 0 && n < math.MaxInt32 && !c.live {
		c.info.Frames = int(n)
	}
	return c, nil
}

func (c *capture) Info() Info { return c.info }

func (c *capture) Next() (Frame, error) {
	if err := c.ctx.Err(); err != nil {
		return Frame{}, err
	}
	if !c.full && !c.cv.Read(&c.mat) {
		return Frame{}, c.end()
	}
	c.full = false
	if c.mat.Cols() != c.info.Width || c.mat.Rows() != c.info.Height {
		return Frame{}, &DamagedError{Frames: c.count, Reason: fmt.Sprintf("then they have %dx%d pixels instead of %dx%d", c.mat.Cols(), c.mat.Rows(), c.info.Width, c.info.Height)}
	}
	m, err := toRGB(c.mat)
	if err != nil {
		return Frame{}, err
	}
	f := Frame{Index: c.count, Time: c.time(), Picture: m}
	c.count++
	return f, nil
}

// time is that of the frame just read since the first one. Some cameras do not tell it, and FFmpeg not of the last frames in OpenCV; then it follows from the
// speed.
func (c *capture) time() time.Duration {
	ms := c.cv.Get(gocv.VideoCapturePosMsec) - c.first
	if c.count > 0 && ms <= c.last {
		rate := c.info.Rate
		if rate == 0 {
			rate = defaultRate
		}
		ms = c.last + 1000/rate
	}
	c.last = ms
	return time.Duration(ms * float64(time.Millisecond))
}

func toRGB(bgr gocv.Mat) (*imageio.Image, error) {
	rgb := gocv.NewMat()
	defer rgb.Close()
	gocv.CvtColor(bgr, &rgb, gocv.ColorBGRToRGB)
	pixels, err := rgb.DataPtrUint8()
	if err != nil {
		return nil, err
	}
	m := imageio.New(rgb.Cols(), rgb.Rows())
	copy(m.Pix, pixels)
	return m, nil
}

// end is io.EOF, but where far fewer frames came than were announced: OpenCV says nothing of damage. In some formats the number is an estimate from the length,
// which a longer sound can make too large.
func (c *capture) end() error {
	if c.count < c.info.Frames-1-c.info.Frames/20 {
		return &DamagedError{Frames: c.count, Of: c.info.Frames}
	}
	return io.EOF
}

func (c *capture) Close() error {
	c.mat.Close()
	return c.cv.Close()
}

// fourCCs are the codecs to try: H.264, and MPEG-4 where OpenCV has no encoder for that.
var fourCCs = []string{"avc1", "mp4v"}

// cvEncoder writes with OpenCV.
type cvEncoder struct {
	cv    *gocv.VideoWriter
	path  string
	count int
}

func createWriter(path string, width, height int, o Output) (encoder, error) {
	for _, codec := range fourCCs {
		cv, err := gocv.VideoWriterFile(path, codec, o.Rate, width+width%2, height+height%2, true)
		if err != nil {
			return nil, err
		}
		if cv.IsOpened() {
			return &cvEncoder{cv: cv, path: path}, nil
		}
		cv.Close()
	}
	return nil, errors.New("OpenCV has no encoder for it")
}

func (e *cvEncoder) write(m *image.RGBA) error {
	size := m.Rect.Size()
	rgba, err := gocv.NewMatFromBytes(size.Y, size.X, gocv.MatTypeCV8UC4, m.Pix)
	if err != nil {
		return err
	}
	defer rgba.Close()
	bgr := gocv.NewMat()
	defer bgr.Close()
	gocv.CvtColor(rgba, &bgr, gocv.ColorRGBAToBGR)
	if size.X%2+size.Y%2 > 0 {
		gocv.CopyMakeBorder(bgr, &bgr, 0, size.Y%2, 0, size.X%2, gocv.BorderReplicate, color.RGBA{})
	}
	e.count++
	return e.cv.Write(bgr)
}

// finish looks at the file, because OpenCV does not say that a disk was full.
func (e *cvEncoder) finish() error {
	if err := e.cv.Close(); err != nil {
		return err
	}
	cv, err := gocv.VideoCaptureFileWithAPI(e.path, gocv.VideoCaptureFFmpeg)
	if err != nil {
		return errors.New("OpenCV could not complete it; is the disk full?")
	}
	defer cv.Close()
	if n := int(cv.Get(gocv.VideoCaptureFrameCount)); n != e.count {
		return fmt.Errorf("OpenCV wrote %d of %d pictures; is the disk full?", n, e.count)
	}
	return nil
}

func (e *cvEncoder) abort() { e.cv.Close() }
