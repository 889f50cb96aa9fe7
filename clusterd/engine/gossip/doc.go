// Package gossip decides whom to tell the news.
package gossip
