"""The bus over Redis: publish and subscribe, from one loop. Each uses those below it:

RedisBus         the interface of chat.bus: topics, running numbers, workers that wait
RedisServers     the shard of each channel: one server, or the slots of a Redis Cluster
RedisShard       one server: two links, and probes that show whether publications arrive
PublisherLink    a connection that publishes, and counts the subscribers of requests
SubscriberLink   a connection with the subscriptions
RedisLink        the base of both links: connects, logs in, retries; resp.py parses
"""
