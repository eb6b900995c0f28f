package tiff

import "encoding/json"

// microManagerSeries reads the order of pages from the JSON that Micro-Manager writes into each of them. Its newer files have OME-XML, too.
func microManagerSeries(f *File) *series {
	type plane struct {
		ChannelIndex, SliceIndex, FrameIndex int
		Channel                              string
		PixelSizeUm                          float64
	}
	planes := make([]plane, len(f.Pages))
	c, z, t := 1, 1, 1
	for i, p := range f.Pages {
		text := p.text(tagMicroManager)
		if text == "" || json.Unmarshal([]byte(text), &planes[i]) != nil {
			return nil
		}
		q := planes[i]
		for _, index := range []int{q.ChannelIndex, q.SliceIndex, q.FrameIndex} {
			if index < 0 || index >= maxPages {
				return nil
			}
		}
		c, z, t = max(c, q.ChannelIndex+1), max(z, q.SliceIndex+1), max(t, q.FrameIndex+1)
	}
	s, ok := newSeries("Micro-Manager", c, z, t)
	if !ok {
		return nil
	}
	s.names = make([]string, c)
	for i, q := range planes {
		s.pages[s.index(q.ChannelIndex, q.SliceIndex, q.FrameIndex)] = f.Pages[i]
		s.names[q.ChannelIndex] = q.Channel
		s.pixel = [2]float64{q.PixelSizeUm, q.PixelSizeUm}
	}
	return s
}
