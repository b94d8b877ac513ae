"""Settings of the WhatsApp channel (Meta Cloud API)."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from pipeline.settings import Settings


class WhatsAppSettings(Settings):
    """Without ``access_token`` answers are recorded instead of sent."""

    model_config = SettingsConfigDict(env_prefix="TANGGAP_WHATSAPP_", env_file=".env", frozen=True, extra="ignore")

    app_secret: SecretStr = Field(
        SecretStr("demo-whatsapp-app-secret"),
        min_length=16,
        description="App secret that signs deliveries (X-Hub-Signature-256).",
    )
    app_secret_previous: SecretStr | None = Field(
        None, min_length=16, description="The secret before a rotation; accepted until it is unset."
    )
    verify_token: SecretStr = Field(
        SecretStr("demo-whatsapp-verify-token"), description="Token of the subscription challenge (hub.verify_token)."
    )
    access_token: SecretStr | None = Field(None, description="System user token for sending and for fetching files.")
    graph_url: str = Field("https://graph.facebook.com/v26.0", description="Graph API address and version.")
    phone_number_id: str = Field("100000000000001", description="Id of the city's number 0811-1272-206.")
    number: str = Field("08111272206", description="The number as citizens know it.")
    waba_id: str | None = Field(None, description="Id of the WhatsApp Business Account, to watch its subscription.")
    template_name: str | None = Field(
        None,
        description="Approved template for answers after 24 hours, body parameters ticket number and link; {kalimat} "
        "in it stands for the name of the wording.",
    )
    template_language: str = Field("id", description="Language code of the template.")
    messages_per_second: float = Field(
        20.0, gt=0, le=1000, description="Throughput of the number: 20 with the Business app, else 80 or 1000."
    )
