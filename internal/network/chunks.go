package network

// BoxChunk is the most proposals that go through the box head at once on so many
// threads: as many tiles for each thread as it computes in one sweep over
// Winograd's transformed weights, which are larger than the caches. The maps
// take 0.2 MB for each proposal and 1 MB for each detection, so there are no
// more in a chunk than one photo has by the papers' settings.
func BoxChunk(threads int) int { return min(max(128*threads, 256), 1024) }

// MaskChunk is for detections what BoxChunk is for proposals.
func MaskChunk(threads int) int { return min(max(16*threads, 32), 112) }
